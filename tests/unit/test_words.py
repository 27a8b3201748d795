"""The words that the glossary (docs/architecture.md) has replaced are gone, but where they are named and why."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHERE = (
    "relays",
    "tasks",
    "docs",
    "files",
    "lab",
    "bench",
    "README.md",
    "CONTRIBUTING.md",
    "Makefile",
    "*.py",
)
# What stands for the terms of before: of the inbox, the event processor, the watch, the dispatcher, the timer queue,
# the uploader resolver, site conflicts; and the verbs for announcing, processing and retrying.
FORMER = re.compile(
    r"untold|unheard|teller|hurr(?:y|ies)|patience|courier|\bagenda\b|\binquir(?:y|ies)\b|\brivals?\b|told_"
    r"|_told\b|\btell_|\b(?:tell|tells|told|telling)\b|look(?:s|ed|ing)? into (?:it|them|an event|a delivery|together)",
    re.IGNORECASE,
)
# The table keeps the name that the stable schema has for it (docs/decisions.md); its statements are in one file.
ALLOWED = {
    "relays/sources/gitlab/tables.py": {"told_"},
}


def files() -> list[str]:
    """The texts that are kept in the repository there, tests apart."""
    listed = subprocess.run(
        ["git", "ls-files", "--", *WHERE], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [each for each in listed if not each.startswith("tests/") and (ROOT / each).suffix != ".png"]


@pytest.mark.parametrize("folder", sorted({each.partition("/")[0] for each in files()}))
def test_former_words_are_gone(folder: str) -> None:
    found = [
        f"{file}:{number}: {line.strip()}"
        for file in files()
        if file.partition("/")[0] == folder
        for number, line in enumerate((ROOT / file).read_text(encoding="utf-8").splitlines(), 1)
        if {word.lower() for word in FORMER.findall(line)} - ALLOWED.get(file, set())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("file", ALLOWED)
def test_no_exception_has_outlived_its_reason(file: str) -> None:
    found = {word.lower() for word in FORMER.findall((ROOT / file).read_text(encoding="utf-8"))}
    assert found == ALLOWED[file]
