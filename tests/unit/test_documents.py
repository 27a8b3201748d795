"""The documents as a whole: their links lead somewhere, their lines fit, and both guides hold the same commands."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guide import ENGLISH, FRENCH, blocks

ROOT = Path(__file__).parents[2]
READMES = [ROOT / "README.md", ROOT / "README.fr.md"]
PAGES = [*READMES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "lab/README.md"]
PAGES += sorted((ROOT / "docs").rglob("*.md"))


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Of its headings, as GitLab and GitHub make them."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower().replace("`", ""))
        found.add(plain.replace(" ", "-"))
    return found


def links() -> Iterator[tuple[Path, str]]:
    """Every relative link, with the page that it stands on."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
            if not re.match(r"[a-z]+:", target):
                yield page, target


@pytest.mark.parametrize(("page", "target"), list(links()), ids=str)
def test_link_leads_somewhere(page: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    assert file.exists(), f"{page.name}: there is no {path}"
    if anchor:
        assert anchor in anchors(file), f"{page.name}: {file.name} has no heading #{anchor}"


def test_each_page_is_linked_from_the_readme() -> None:
    """Or from one that is."""
    reached, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        reached.add(page)
        targets = {(page.parent / target.partition("#")[0]).resolve() for at, target in links() if at == page}
        ahead += [target for target in targets - reached if target in PAGES]
    assert set(PAGES) <= reached


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_line_is_longer_than_a_screen(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > 120] == []


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_the_readme_is_short(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 130


def test_both_guides_hold_the_same_commands() -> None:
    assert blocks(ENGLISH) == blocks(FRENCH)
    assert {machine for machine, _ in blocks(FRENCH)} == {"poste", "hôte"}


def test_each_kind_of_site_is_shown_by_a_test() -> None:
    """The table of sites as they are names for each row what shows that it works, or that it is refused."""
    table = (
        (ROOT / "docs/sites.md")
        .read_text(encoding="utf-8")
        .partition("| a site with |")[2]
        .partition("\n\n")[0]
    )
    rows = [row.strip("|").split("|") for row in table.splitlines()[2:]]
    assert len(rows) >= 15
    for what, how, shown in rows:
        assert how.strip(), what
        (path,) = re.findall(r"`(tests/\S+)`", shown)
        assert (ROOT / path).exists(), f"{what}: there is no {path}"
    assert any("refused" in how for _, how, _ in rows)


def test_both_guides_have_the_same_structure() -> None:
    levels = [
        [len(level) for level in re.findall(r"^(#+) ", prose(guide), re.MULTILINE)]
        for guide in (ENGLISH, FRENCH)
    ]
    assert levels[0] == levels[1]


def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    """Or with what comes after it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    sections = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert next(section for section in sections if section != "Unreleased") == version
    assert "Unreleased" not in sections[1:]
