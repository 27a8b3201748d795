"""What a deploy says of the spools on a host before it switches to another release."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from relays.delivery.tables import OUTBOX
from relays.sources.gitlab.tables import GITLAB
from relays.sources.nextcloud.tables import NEXTCLOUD
from relays.storage.introspection import SQLITE
from relays.storage.migrations import upgrade
from relays.storage.schema import Migration, Tables
from tasks import spools
from tasks.operations.python_app import Switch
from tasks.relays import TRIAL
from tests.unit.noisy import printed
from tests.upgrades.spools import names, write_file


def judged(relay: str, state: Path) -> Switch:
    """What the plan says, of what the fact finds in a file with its own script."""
    found = subprocess.run(
        [sys.executable, "-I", "-c", spools._LOOK],
        env={"PATH": os.environ["PATH"], "STATE_DIRECTORY": str(state)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return spools.judge(spools.Spools().process(printed(f"{relay}\n{found}")))


@pytest.mark.parametrize("name", [*names("gitlab"), *names("nextcloud")])
def test_only_what_the_release_before_could_not_use_is_announced(name: str, tmp_path: Path) -> None:
    write_file(name, tmp_path / "relay.db")
    lines = {
        "153d3cc": f"outbox tables 1 -> {OUTBOX.version}",
        "gitlab-a4d1735": f"gitlab tables 3 -> {GITLAB.version}",
    }
    wanted = [text for commit, text in lines.items() if commit in name]
    if name.startswith("nextcloud"):
        before = 2 if "da8537e" in name else 1
        wanted.append(f"nextcloud tables {before} -> {NEXTCLOUD.version}")
    relay = name.partition("-")[0]
    assert judged(relay, tmp_path) == Switch(
        tuple(
            f"~ spool of the {relay} relay: {text}, of no use to the release before; a switch-back turns them back"
            for text in wanted
        )
    )


def released(file: Path, gitlab: Tables) -> None:
    """A spool that a relay with these tables has made."""
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        upgrade(db, [OUTBOX, gitlab], SQLITE)


def later(breaks: range | tuple[()]) -> Tables:
    """The tables of a release to come."""
    number = GITLAB.version + 1
    added = Migration(number, up="CREATE TABLE more (a TEXT);", down="DROP TABLE more;", breaks=breaks)
    return replace(GITLAB, migrations=(*GITLAB.migrations, added))


def test_a_spool_of_a_newer_release_is_turned_back_by_it(tmp_path: Path) -> None:
    released(tmp_path / "relay.db", later(range(1, GITLAB.version + 1)))
    switch = judged("gitlab", tmp_path)
    back = f"~ spool of the gitlab relay: gitlab tables {GITLAB.version + 1} -> {GITLAB.version}"
    assert switch.lines == (f"{back}, turned back by the release before",)
    stopped, _, reverted = switch.command.partition(";")
    assert stopped == "{ systemctl stop 'passerelle-gitlab.*'"
    assert f" $release/bin/python -I -m relays.spool revert gitlab={GITLAB.version};" in reverted


def test_a_spool_that_can_be_used_is_left_alone(tmp_path: Path) -> None:
    released(tmp_path / "relay.db", later(()))
    assert judged("gitlab", tmp_path) == Switch()


def test_on_a_shared_spool_the_others_have_to_be_stopped() -> None:
    columns = [["received", "received_at", True]]
    for is_shared in (True, False):
        lines = spools.judge({"gitlab": [columns, [], is_shared]}).lines
        assert (
            "relays of other hosts that share the spool have to be stopped before" in lines[-1]
        ) is is_shared


def test_what_the_host_does_not_say_is_not_guessed() -> None:
    assert spools.judge(spools.Spools().process(printed("gitlab\nnextcloud\n"))) == Switch()


@pytest.mark.parametrize(
    "command",
    [
        str(spools.Spools().command()),
        spools.REMEMBER,
        TRIAL.remember,
        TRIAL.noted("0123456789ab"),
        TRIAL.roll_back,
    ],
)
def test_the_commands_are_those_of_a_shell(command: str) -> None:
    subprocess.run(["sh", "-n", "-c", command], check=True)
