"""Choices made in the chat, as a deploy and `drift` name them."""

from pathlib import Path

import pytest

from tasks.choices import named, show_choices
from tasks.drift import parse
from tests.operations import Outcome, apply, dry
from tests.unit.site_data import taaf

EXPORTED = """# What people have chosen in the chat; times are of UTC.

[[subscriptions]]
channel_id = "room0000000000000000000001"
channel = "room"
target = "taaf/site"
conditions = "issue branches=main"
chosen_by = "alice"
chosen_at = 2026-11-28T10:30:00Z

[[subscriptions]]
channel_id = "room0000000000000000000002"
channel = ""
target = "taaf/**"
conditions = ""
chosen_by = "bob"
chosen_at = 2026-11-28T10:30:00Z

[[silences]]
channel = "dev"
target = ""
chosen_by = "alice"
until = 2026-11-28T12:30:00Z
chosen_at = 2026-11-28T10:30:00Z

[[silences]]
channel = "ops"
target = "taaf/site!12"
chosen_by = "bob"
until = 2026-11-29T08:00:00Z
chosen_at = 2026-11-28T08:00:00Z

[[notify]]
person = "alice"
things = ["review", "broken"]
quiet = "19:00-08:00"
weekends = false
timezone = "Europe/Paris"
chosen_at = 2026-11-28T08:00:00Z

[[notify]]
person = "bob"
things = []
timezone = "Europe/Paris"
chosen_at = 2026-11-28T08:00:00Z

[[notify]]
person = "zoe"
quiet = "12:00-14:00"
timezone = "Indian/Reunion"
chosen_at = 2026-11-28T08:00:00Z
"""
LINES = [
    "choice in the chat: subscription of room to taaf/site (issue branches=main), of alice",
    "choice in the chat: subscription of room0000000000000000000002 to taaf/**, of bob",
    "choice in the chat: silence of everything in dev until 2026-11-28 12:30 UTC, of alice",
    "choice in the chat: silence of taaf/site!12 in ops until 2026-11-29 08:00 UTC, of bob",
    "choice in the chat: in person to alice: review, broken, not 19:00-08:00 (Europe/Paris), not on weekends",
    "choice in the chat: in person to bob: nothing",
    "choice in the chat: in person to zoe: as the site says, not 12:00-14:00 (Indian/Reunion)",
]


@pytest.mark.parametrize(
    ("exported", "lines"),
    [(EXPORTED, LINES), ("# nothing\n", []), ("", []), ("Failed to start transient service unit", [])],
)
def test_each_choice_is_a_line(exported: str, lines: list[str]) -> None:
    assert list(named(exported)) == lines


@pytest.mark.parametrize("commands", [[], ["passerelle"]])
@pytest.mark.parametrize("there", [False, True])
def test_they_are_named_and_change_nothing(tmp_path: Path, commands: list[str], there: bool) -> None:
    site = taaf({"mattermost": {"commands": commands}})
    command = tmp_path / "scripts" / "choices.sh"
    command.parent.mkdir()
    if there:
        command.write_text(f"#!/bin/sh\ncat <<'END'\n{EXPORTED}END\n")
        command.chmod(0o755)

    class Context:
        scripts = str(command.parent)

    def declare() -> None:
        show_choices(site, Context())  # type: ignore[arg-type]

    expected = [f"! {line}" for line in LINES] if there and commands else []
    assert dry(declare) == Outcome(expected, 0)
    assert apply(declare).changed == 0


def test_drift_does_not_count_them() -> None:
    found = parse(f"    [host]     ! {LINES[0]}")
    assert found is not None
    assert found.is_left_alone
