"""make drift: what differs, as expected and actual, with exit codes for cron and CI; nothing is changed."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from lab import state
from tests.lab.runs import ROOT, deploy, environment


@pytest.fixture
def repaired() -> Iterator[None]:
    """As described at the end."""
    yield
    deploy()


def drift(**settings: str) -> tuple[int, str, str]:
    """The exit code, what was printed and what was complained of."""
    done = subprocess.run(
        [sys.executable, "-m", "passerelle", "drift"],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_nothing_differs_after_a_deploy() -> None:
    assert drift() == (0, "0 difference(s)\n", "")


@pytest.mark.usefixtures("repaired")
def test_each_difference_is_reported_and_stays(machine: Callable[[str], str]) -> None:
    machine(
        "chmod 644 /etc/passerelle/gitlab-hook-token; echo >> /etc/passerelle/gitlab.toml;"
        "systemctl stop passerelle-nextcloud.path passerelle-nextcloud.service"
    )
    for _ in range(2):
        code, report, _ = drift()
        assert code == 2
        for what, expected, actual in (
            ("/etc/passerelle/gitlab-hook-token", "600 root root", "644 root root"),
            ("/etc/passerelle/gitlab.toml", "as described", "other content"),
            ("passerelle-nextcloud.service", "active", "inactive"),
        ):
            assert f"  {what}\n    expected  {expected}\n    actual    {actual}\n" in report


def test_what_cannot_be_compared_is_an_error() -> None:
    code, report, complaint = drift(gitlab__token="wrongtoken")
    assert (code, report) == (1, "")
    assert "check gitlab.token" in complaint
    assert "wrongtoken" not in complaint
    assert state.current().root_token not in complaint
