"""A new release of the relays: beside the old one, switched at once, and switched back if it does not come up."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.people import Chat, Forge, marker
from tests.lab.conftest import ROOT, deploy, environment
from tests.lab.test_outage import seen
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
    deploy()
    yield tmp_path
    deploy()


def deploy_from(place: Path) -> tuple[int, str]:
    """The exit code and the output of a deploy from another checkout."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("pyinfra")), "-y", "inventory.py", "deploy.py"],
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
    file = place / "relays" / relay / "__main__.py"
    file.write_text(f"{text}\n{file.read_text()}")


@pytest.mark.parametrize("relay", ["gitlab", pytest.param("nextcloud", marks=pytest.mark.exhaustive)])
def test_a_release_that_does_not_come_up_is_switched_back(
    relay: str, checkout: Path, machine: Shell, chat: Chat, forge: Forge
) -> None:
    """Be it the first relay that fails or, with the first one running already, the second; events go on."""
    before = release(machine)
    alter(checkout, relay, "raise SystemExit(1)")
    (checkout / "files" / f"{relay}.toml.j2").open("a").write("# of the new release\n")
    code, output = deploy_from(checkout)
    assert code != 0
    assert "the new release did not come up; the one before is in use again" in output
    assert release(machine) == before
    assert "new release" not in machine("cat /etc/passerelle/*.toml")
    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"})
    wait_until("the event", lambda: seen(chat, "dev-notifications", mark) == ["0"])
    states = machine("systemctl is-active passerelle-gitlab.service passerelle-nextcloud.service").split()
    assert states == ["active", "active"]
    assert deploy().changed == 0, "everything is as it was"


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
