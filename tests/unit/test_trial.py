"""What is put aside before something new comes is put back as it was; on folders of this machine."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.operations.trial import Trial
from tests.unit.noisy import program

TRIAL = Trial("relay", ("*.toml", "spool"))
UNITS = "etc/systemd/system"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host with a release in use, settings, secrets and units, and a systemctl that notes what it is asked."""
    for path, text in {
        "opt/relay/aaaaaaaaaaaa/complete": "",
        "opt/relay/bbbbbbbbbbbb/complete": "",
        "etc/relay/a.toml": "old",
        "etc/relay/spool": "old secret",
        "etc/relay/hook-token": "of GitLab too",
        f"{UNITS}/relay-web.service": "old service",
        f"{UNITS}/relay-web.socket": "old socket",
        f"{UNITS}/relay-web.service.d/own.conf": "an administrator's",
        f"{UNITS}/other.service": "somebody else's",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "etc/relay/spool").chmod(0o600)
    (tmp_path / "opt/relay/current").symlink_to("aaaaaaaaaaaa")
    (tmp_path / "tools").mkdir()
    program(tmp_path / "tools", "systemctl", f'echo "$*" >> {tmp_path}/asked')
    return tmp_path


def run(root: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run it as if the folder were the host."""
    for folder in ("opt", "etc"):
        command = command.replace(f"/{folder}/", f"{root}/{folder}/")
    environment = {**os.environ, "PATH": f"{root}/tools:{os.environ['PATH']}"}
    return subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)


def state(root: Path) -> dict[str, tuple[str, int]]:
    """Every file and folder with its text and mode, and where the release leads."""
    found = {"current": (str((root / "opt/relay/current").readlink()), 0)}
    for path in sorted([*(root / "etc").rglob("*"), *(root / "opt").rglob("*")]):
        if not path.is_symlink():
            text = path.read_text() if path.is_file() else "a folder"
            found[str(path.relative_to(root))] = (text, path.stat().st_mode & 0o777)
    return found


def asked(root: Path) -> list[str]:
    """What systemd was asked to do."""
    notes = root / "asked"
    return notes.read_text().splitlines() if notes.exists() else []


def switch(root: Path) -> None:
    (root / "opt/relay/current").unlink()
    (root / "opt/relay/current").symlink_to("bbbbbbbbbbbb")


ALTERATIONS: dict[str, Callable[[Path], object]] = {
    "release": switch,
    "settings": lambda root: (root / "etc/relay/a.toml").write_text("new"),
    "secret of the relay's own": lambda root: (root / "etc/relay/spool").unlink(),
    "service": lambda root: (root / f"{UNITS}/relay-web.service").write_text("new service"),
    "socket": lambda root: (root / f"{UNITS}/relay-web.socket").write_text("new socket"),
    "unit that was not there": lambda root: (root / f"{UNITS}/relay-web-8091.socket").write_text("new"),
    "nothing": lambda root: None,
}


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_what_was_altered_is_put_back(alteration: str, root: Path) -> None:
    before = state(root)
    assert run(root, TRIAL.remember).returncode == 0
    assert asked(root) == []
    ALTERATIONS[alteration](root)
    done = run(root, TRIAL.roll_back)
    assert done.returncode != 0, "or the deploy would go on"
    assert "what was there before is in use again" in done.stderr
    assert state(root) == before
    assert "restart relay-web.service" in asked(root)
    stopped = " ".join(line for line in asked(root) if line.startswith("stop"))
    # What holds connections is left alone unless it has to change.
    assert ("relay-web.socket" in stopped) is (alteration == "socket")
    assert ("relay-web-8091.socket" in stopped) is (alteration == "unit that was not there")


def test_what_gitlab_has_too_is_not_put_back(root: Path) -> None:
    run(root, TRIAL.remember)
    (root / "etc/relay/hook-token").write_text("newer")
    run(root, TRIAL.roll_back)
    assert (root / "etc/relay/hook-token").read_text() == "newer"


def test_a_trial_that_is_under_way_keeps_what_it_has(root: Path) -> None:
    """A deploy that was killed has left something that never came up: that is not what worked."""
    before = state(root)
    run(root, TRIAL.remember)
    switch(root)
    assert run(root, TRIAL.remember).returncode == 0
    run(root, TRIAL.roll_back)
    assert state(root) == before


def test_before_the_first_release_there_is_nothing_to_be_put_aside(root: Path) -> None:
    (root / "opt/relay/current").unlink()
    assert run(root, TRIAL.remember).returncode == 0
    assert not (root / "opt/relay/before").exists()
    assert run(root, TRIAL.roll_back).returncode != 0
    assert asked(root) == []


def test_before_the_first_service_there_is_nothing_to_be_put_aside(root: Path) -> None:
    """The release is there first, and not even a folder for settings."""
    for path in (root / UNITS).glob("relay-*.s*"):
        path.unlink() if path.is_file() else None
    shutil.rmtree(root / "etc/relay")
    assert run(root, TRIAL.remember).returncode == 0
    assert not (root / "opt/relay/before").exists()


def test_what_cannot_be_put_aside_alters_nothing(root: Path) -> None:
    before = state(root)
    (root / "opt/relay/before.new").write_text("")
    program(root / "tools", "mkdir", "echo No space left on device >&2; exit 1")
    assert run(root, TRIAL.remember).returncode != 0
    (root / "opt/relay/before.new").unlink(missing_ok=True)
    assert state(root) == before


def test_a_unit_that_others_were_led_to_meanwhile_stays(root: Path) -> None:
    next_port = root / f"{UNITS}/relay-next.socket"
    assert run(root, TRIAL.keeping("relay-next.socket")).returncode == 0, "no trial is under way"
    run(root, TRIAL.remember)
    next_port.write_text("next")
    assert run(root, TRIAL.keeping("relay-next.socket")).returncode == 0
    run(root, TRIAL.roll_back)
    assert next_port.read_text() == "next"


def test_what_a_new_release_has_done_is_taken_back_by_that_release(root: Path) -> None:
    trial = Trial(
        "relay",
        note="basename $release >> noted",
        undo=f"cat noted > {root}/undone; echo $release >> {root}/undone",
    )
    run(root, f"{trial.remember} && {trial.noted('cccccccccccc')}")
    # A deploy that was killed here, and one of yet another release.
    run(root, f"{trial.remember} && {trial.noted('bbbbbbbbbbbb')}")
    switch(root)
    run(root, trial.roll_back)
    assert (root / "undone").read_text().split() == [
        "cccccccccccc",
        "bbbbbbbbbbbb",
        f"{root}/opt/relay/bbbbbbbbbbbb",
    ]
    assert run(root, trial.roll_back).returncode != 0
    assert not (root / "opt/relay/before").exists()
