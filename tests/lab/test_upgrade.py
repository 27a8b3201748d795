"""A new release of the relays: beside the old one, switched at once, and switched back if it does not come up."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.people import Chat, Forge, marker
from tests.lab.runs import ROOT, deploy, environment, pyinfra
from tests.lab.test_outage import seen
from tests.upgrades.releases import EARLIER, NEXT, RENAMED, RENAMED_BACK, add_migration
from tests.waiting import wait_until

Shell = Callable[[str], str]


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """Another checkout of the project, to be altered; the site is as this one describes it at the end."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    for name in filter(None, listed):
        if not name.startswith("tests/") and (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    yield tmp_path
    deploy()


def deploy_from(place: Path, option: str = "-y") -> tuple[int, str]:
    """The exit code and the output of a deploy from another checkout."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("pyinfra")), option, "inventory.py", "deploy.py"],
        cwd=place,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr + done.stdout


def release(machine: Shell) -> str:
    """The release in use."""
    return machine("readlink /opt/passerelle/current").strip()


def alter(place: Path, relay: str, text: str) -> None:
    """Another release: with something at the beginning of a relay."""
    file = place / "relays" / "sources" / relay / "__main__.py"
    file.write_text(f"{text}\n{file.read_text()}")


@pytest.mark.parametrize("relay", ["gitlab", pytest.param("nextcloud", marks=pytest.mark.exhaustive)])
def test_a_release_that_does_not_come_up_is_switched_back(
    relay: str, checkout: Path, machine: Shell, chat: Chat, forge: Forge
) -> None:
    """Be it the first relay that fails or, with the first one running already, the second; events go on."""
    before = release(machine)
    alter(checkout, relay, "raise SystemExit(1)")
    written = checkout / "tasks" / "relay_settings.py"
    written.write_text(
        written.read_text().replace("change made here back.", "change made here back: new release.")
    )
    code, output = deploy_from(checkout)
    assert code != 0
    assert "it did not come up; what was there before is in use again" in output
    assert release(machine) == before
    assert "new release" not in machine("cat /etc/passerelle/*.toml")
    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"})
    wait_until("the event", lambda: seen(chat, "dev-notifications", mark) == ["0"])
    states = machine("systemctl is-active passerelle-gitlab.service passerelle-nextcloud.service").split()
    assert states == ["active", "active"]
    assert deploy().changed == 0, "everything is as it was"


@pytest.mark.exhaustive
def test_a_release_that_comes_up_is_accepted(
    checkout: Path, machine: Shell, chat: Chat, forge: Forge
) -> None:
    before = release(machine)
    alter(checkout, "gitlab", '"""Another release."""')
    code, output = deploy_from(checkout)
    assert code == 0, output
    assert release(machine) != before
    assert machine("ls /opt/passerelle").split().count(before) == 1, "the one before is kept"
    assert machine("ls -d /opt/passerelle/before 2>/dev/null || true") == ""
    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"})
    wait_until("the event", lambda: seen(chat, "dev-notifications", mark) == ["0"])


def tables(machine: Shell) -> str:
    """The version of the GitLab relay's own tables."""
    look = (
        "import sqlite3\n"
        "db = sqlite3.connect('file:/var/lib/private/passerelle-gitlab/relay.db?mode=ro', uri=True)\n"
        "print(*db.execute(\"SELECT version FROM schema_version WHERE part = 'gitlab'\").fetchone())"
    )
    return machine(f"python3 -c {shlex.quote(look)}").strip()


BROKEN = f"~ spool of the gitlab relay: gitlab tables {NEXT - 1} -> {NEXT}, of no use to the release before"
REVERTED = (
    f"~ spool of the gitlab relay: gitlab tables {NEXT} -> {NEXT - 1}, turned back by the release before"
)


@pytest.mark.exhaustive
def test_a_switch_back_turns_back_the_tables_that_the_new_release_has_changed(
    checkout: Path, machine: Shell, chat: Chat, forge: Forge
) -> None:
    """With what the new release has taken and announced meanwhile, for its other relay failed after this one was up."""
    before = release(machine)
    add_migration(checkout, RENAMED, RENAMED_BACK, EARLIER, uses="inbox")
    alter(checkout, "nextcloud", "raise SystemExit(1)")
    code, output = deploy_from(checkout, "--dry")
    assert code == 0, output
    assert BROKEN in output
    assert (release(machine), tables(machine)) == (before, str(NEXT - 1)), "nothing was touched"
    mark = marker()
    for number in range(5):
        forge.api("POST", "PROJECT/issues", {"title": f"{mark}-{number}"})
    code, output = deploy_from(checkout)
    assert code != 0
    assert BROKEN in output
    assert f"reverted part=gitlab from={NEXT} to={NEXT - 1}" in output
    assert "it did not come up; what was there before is in use again" in output
    assert (release(machine), tables(machine)) == (before, str(NEXT - 1))
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-5"})
    wait_until("the events", lambda: seen(chat, "dev-notifications", mark) == list("012345"))
    states = machine(
        "systemctl is-active passerelle-gitlab.socket passerelle-gitlab.service passerelle-nextcloud.path"
    )
    assert states.split() == ["active"] * 3
    assert deploy().changed == 0, "everything is as it was"


@pytest.mark.exhaustive
def test_an_older_release_has_the_tables_turned_back_that_it_cannot_use(
    checkout: Path, machine: Shell, chat: Chat, forge: Forge
) -> None:
    add_migration(checkout, RENAMED, RENAMED_BACK, EARLIER, uses="inbox")
    code, output = deploy_from(checkout)
    assert code == 0, output
    assert tables(machine) == str(NEXT)
    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"})
    wait_until("the event", lambda: seen(chat, "dev-notifications", mark) == ["0"])
    assert REVERTED in pyinfra("--dry").output
    assert REVERTED in deploy().output
    assert tables(machine) == str(NEXT - 1)
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-1"})
    wait_until("the event", lambda: seen(chat, "dev-notifications", mark) == ["0", "1"])
    assert deploy().changed == 0
