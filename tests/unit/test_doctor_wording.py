"""What the doctor can say: all of it in both languages, nothing that it never says, and all of it in the guide."""

import re
from pathlib import Path

import pytest

from relays.base.tls import FAULTS
from tasks.doctor.diagnosis import CHAIN
from tasks.doctor.guide import GUIDES, page
from tasks.doctor.wording import CATALOGUES

ROOT = Path(__file__).parent.parent.parent
DOCTOR = ROOT / "tasks" / "doctor"
FRENCH, ENGLISH = CATALOGUES["fr"], CATALOGUES["en"]
_PLACE = re.compile(r"\{(\w+)\}")
# The three applications share some findings, whose codes begin with the application.
_APPLICATIONS = ("mattermost", "gitlab", "nextcloud")


def said() -> set[str]:
    """The codes that stand in the code, of broken links and of unclear ones."""
    source = "".join(path.read_text() for path in DOCTOR.glob("*.py"))
    codes = set(re.findall(r'"((?:[a-z-]+)\.[a-z-]+)"', source))
    for suffix in re.findall(r'f"\{\w+\}\.([a-z-]+)"', source):
        codes |= {f"{application}.{suffix}" for application in _APPLICATIONS}
    codes |= {f"mattermost.{code}" for code in ("database", "files", "unhealthy")}
    codes |= {f"relay.{result}" for result in ("oom-kill", "watchdog")}
    codes |= {*(f"tls.{code}" for code in FAULTS)}
    codes |= {
        "host.api",
        *(f"docker.{reason}" for reason in ("missing", "folder", "silent", "engine", "projects")),
    }
    return codes


def test_both_languages_say_the_same_things() -> None:
    assert FRENCH.phrases.keys() == ENGLISH.phrases.keys()
    assert FRENCH.links.keys() == ENGLISH.links.keys()
    assert FRENCH.broken.keys() == ENGLISH.broken.keys()
    assert FRENCH.unclear.keys() == ENGLISH.unclear.keys()
    assert FRENCH.noted.keys() == ENGLISH.noted.keys()


@pytest.mark.parametrize("code", FRENCH.broken)
def test_both_languages_say_the_same_values(code: str) -> None:
    for part in ("why", "remedy"):
        french, english = (set(_PLACE.findall(getattr(c.broken[code], part))) for c in (FRENCH, ENGLISH))
        assert french == english


def test_each_link_has_a_name_and_needs_links_before_it() -> None:
    names = [link.name for link in CHAIN]
    assert sorted(names) == sorted(FRENCH.links)
    for number, link in enumerate(CHAIN):
        assert set(link.needs) <= set(names[:number]), link.name
        assert link.needs or number == 0, f"{link.name} would be judged without the host"


@pytest.mark.parametrize("code", [*FRENCH.broken, *FRENCH.unclear, *FRENCH.noted])
def test_nothing_is_worded_that_is_never_said(code: str) -> None:
    assert code in said()


@pytest.mark.parametrize("language", GUIDES)
def test_the_guide_holds_each_finding_with_its_remedy(language: str) -> None:
    """Written anew with: python -m tasks.doctor.guide."""
    text = GUIDES[language].read_text(encoding="utf-8")
    assert page(language, text) == text, f"{GUIDES[language].name} is stale: run python -m tasks.doctor.guide"
    assert re.findall(r"^- `([a-z-]+\.[a-z-]+)` ?:", text, re.MULTILINE) == list(CATALOGUES[language].broken)
