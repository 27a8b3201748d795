"""Absent is not the same as hidden: states in which Mattermost shows nothing, against every command."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from docker.models.containers import Container

from tests.acceptance.people import Chat
from tests.lab.runs import ROOT, deploy, dry, environment, pyinfra
from tests.lab.test_drift_report import drift

NAMES = ("GitLab Notifications", "Nextcloud File Monitor")
SWITCH = "ServiceSettings.EnableIncomingWebhooks"
CONF = "/root/taaf-infrastructure/scripts/.webhooks.conf"


def off(chat: Chat) -> None:
    chat.api("PUT", "/config/patch", {"ServiceSettings": {"EnableIncomingWebhooks": False}})


def on(chat: Chat) -> None:
    chat.api("PUT", "/config/patch", {"ServiceSettings": {"EnableIncomingWebhooks": True}})


def archive(chat: Chat) -> None:
    chat.api("DELETE", f"/teams/{chat.api('GET', '/teams/name/taaf')['id']}")


STATES = [
    pytest.param(off, f"~ {SWITCH}: False -> True", SWITCH, id="webhooks off"),
    pytest.param(archive, "~ team taaf: archived -> active", "team taaf", id="team archived"),
]


def reported(output: str) -> list[str]:
    """The differences that a run has shown."""
    lines = [line.partition("]     ")[2].rstrip() for line in output.splitlines()]
    return [line for line in lines if line[:2] in ("+ ", "~ ", "- ")]


def ids(chat: Chat) -> dict[str, str]:
    """The webhooks of the site by name, each with its number."""
    found = chat.api("GET", "/hooks/incoming?per_page=200")
    return {hook["display_name"]: hook["id"] for hook in found if hook["display_name"].startswith(NAMES)}


@pytest.fixture
def deployed(chat: Chat) -> Iterator[None]:
    """As described after what a test has hidden."""
    yield
    deploy()


@pytest.mark.exhaustive
@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(("make", "line", "what"), STATES)
def test_drift_and_deploy(chat: Chat, make: Callable[[Chat], None], line: str, what: str) -> None:
    before = ids(chat)
    make(chat)
    assert reported(dry().output) == [line]
    code, report, _ = drift()
    assert code == 2
    assert report.splitlines()[1] == f"  {what}"
    assert report.endswith("\n1 difference(s)\n")
    assert reported(deploy().output) == [line]
    assert ids(chat) == before
    assert drift()[0] == 0


@pytest.mark.exhaustive
@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(("make", "line", "what"), STATES)
def test_rotation(
    chat: Chat, machine: Callable[[str], str], make: Callable[[Chat], None], line: str, what: str
) -> None:
    before = ids(chat)
    make(chat)
    shown = reported(pyinfra("--dry", deploy="rotate.py").output)
    assert line in shown
    for name in NAMES:
        assert f"~ incoming webhook: display_name: {name!r} -> {f'{name} (replaced)'!r}" in shown
    run = pyinfra("-y", deploy="rotate.py")
    assert run.code == 0, run.output
    after = ids(chat)
    assert sorted(after) == sorted(before)
    assert not set(after.values()) & set(before.values())
    assert all(identity in machine(f"cat {CONF}") for identity in after.values())
    assert deploy().changed == 0


@pytest.mark.exhaustive
@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(("make", "line", "what"), STATES)
def test_teardown(chat: Chat, make: Callable[[Chat], None], line: str, what: str) -> None:
    make(chat)
    gone = [f"- incoming webhook {name!r}" for name in NAMES]
    if make is off:
        gone.append(f"~ {SWITCH}: False -> True for the removal, then False again")
    shown = reported(pyinfra("--dry", deploy="teardown.py").output)
    assert [each for each in shown if "webhook" in each.lower() and "/" not in each] == gone
    run = pyinfra("-y", deploy="teardown.py")
    assert run.code == 0, run.output
    assert reported(run.output) == shown
    again = pyinfra("-y", deploy="teardown.py")
    assert (again.code, again.changed) == (0, 0), again.output
    assert chat.api("GET", "/config")["ServiceSettings"]["EnableIncomingWebhooks"] is (make is not off)
    on(chat)
    assert ids(chat) == {}


@contextmanager
def database_down(mattermost: Container) -> Iterator[None]:
    """Mattermost answers as while its database does not, for the time of a block."""
    mattermost.exec_run(["touch", "/mattermost/data/database-down"])
    try:
        yield
    finally:
        mattermost.exec_run(["rm", "/mattermost/data/database-down"])


def test_a_database_that_is_down_is_named_by_every_command(
    chat: Chat, mattermost_container: Container
) -> None:
    before = ids(chat)
    reason = "mattermost: the database of http://chat.taaf.internal does not answer"
    with database_down(mattermost_container):
        for options, script in (
            (("-y",), "deploy.py"),
            (("--dry",), "deploy.py"),
            (("-y",), "rotate.py"),
            (("-y",), "teardown.py"),
        ):
            run = pyinfra(*options, deploy=script)
            assert run.code == 1
            assert reason in run.output
            assert reported(run.output) == []
            assert "Traceback" not in run.output
        code, report, complaint = drift()
        assert (code, report) == (1, "")
        assert reason in complaint
        doctor = subprocess.run(
            [sys.executable, "-m", "passerelle", "doctor"],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert doctor.returncode == 2
    assert ids(chat) == before
    assert deploy().changed == 0
