"""The report: verdicts, pictures or why there are none, both languages, nothing from elsewhere."""

import re
from html import unescape
from pathlib import Path

import pytest

from tests.evidence import report
from tests.evidence.checklist import ITEMS
from tests.evidence.dossier import Dossier, Outcome, Picture, Proof
from tests.evidence.journal import Exchange
from tests.evidence.pictures import PICTURES
from tests.evidence.wording import TEXTS

PNG, WEBP = b"\x89PNG\r\n\x1a\n-", b"RIFF----WEBP"


def dossier(language: str = "fr", **outcomes: Outcome) -> Dossier:
    """One test for each item, passed unless asked otherwise (`gitlab_hook="failed"`)."""
    made = Dossier(language, facts={"host": "taaf", "GitLab": "19.1.0"})
    for item in ITEMS:
        outcome = outcomes.get(item.id.replace("-", "_"), "passed")
        made.proofs[item.id] = Proof(f"test_{item.id}[x]", [item.id], f"Promise of {item.id}.", 0, outcome)
    return made


def rows(page: str) -> list[str]:
    """The verdicts of the summary, in its order."""
    return re.findall(r'<td class="verdict (\w+)">', page)


def test_each_item_has_its_verdict() -> None:
    page = report.render(dossier(gitlab_hook="failed", upload="skipped"))
    wanted = {"gitlab-hook": "failed", "upload": "skipped"}
    assert rows(page) == [wanted.get(item.id, "passed") for item in ITEMS]
    assert f'<p class="banner failed">1 / {len(ITEMS)}' in page


def test_item_with_one_failure_among_others_has_failed() -> None:
    made = dossier()
    made.proofs["more"] = Proof("test_more", ["push", "upload"], "", 0, "failed")
    verdicts = made.verdicts
    assert [name for name, verdict in verdicts.items() if verdict == "failed"] == ["push", "upload"]


def test_item_without_a_test_is_not_verified() -> None:
    made = dossier()
    del made.proofs["push"]
    page = report.render(made)
    assert rows(page).count("skipped") == 1
    assert '<p class="banner skipped">' in page
    assert TEXTS["fr"]["none"] in unescape(page)


def test_all_passed_says_so() -> None:
    assert TEXTS["en"]["all_passed"] in report.render(dossier("en"))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_report_speaks_the_language(language: str) -> None:
    page = unescape(report.render(dossier(language)))
    assert f'<html lang="{language}">' in page
    for item in ITEMS:
        assert getattr(item, language) in page


def test_languages_have_the_same_words() -> None:
    assert TEXTS["fr"].keys() == TEXTS["en"].keys()


def test_proof_and_its_answer_are_shown_as_text() -> None:
    """What an application answers comes from outside."""
    made = dossier()
    evil = "<script>alert(1)</script>"
    made.proofs["push"] = Proof(
        "test_x", ["push"], evil, 0, "failed", 1.5, evil, exchanges=[Exchange(evil, evil, 7)]
    )
    page = report.render(made)
    assert evil not in page
    assert page.count("&lt;script&gt;") == 4
    assert "7 fois" in page


def test_pictures_are_embedded_and_written_by_their_names(tmp_path: Path) -> None:
    made = dossier()
    for name in PICTURES:
        made.pictures[name] = Picture(name, "Une page", PNG, WEBP)
    old = tmp_path / "screenshots" / "of-another-day.png"
    old.parent.mkdir()
    old.touch()
    report.write(made, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert page.count('src="data:image/webp;base64,UklGRi0tLS1XRUJQ"') == 11
    assert {path.stem for path in old.parent.iterdir()} == set(PICTURES)
    # It opens without a network.
    assert not re.search(r"""(src|href)=["']?(https?:)?//|@import|url\(""", page)


def test_missing_picture_says_how_to_get_it() -> None:
    made = dossier()
    made.pictures["14-gitlab-projet-test"] = Picture(
        "14-gitlab-projet-test", "Le projet", reason="apt install x"
    )
    page = report.render(made)
    assert "apt install x" in page
    assert "<img" not in page


def test_pictures_are_those_of_the_mission() -> None:
    assert [int(name[:2]) for name in PICTURES] == list(range(11, 22))
    assert {page.item for page in PICTURES.values()} <= {item.id for item in ITEMS}
