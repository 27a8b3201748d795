"""scripts/status.sh: what is not well is marked, says why, and makes it end with 1; run with stand-ins for the host."""

import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.templates import render
from tests.unit.site_data import taaf

WELL: dict[str, Any] = {
    "version": 1,
    "status": "ok",
    "held": {},
    "retrying": {},
    "backlog": 0,
    "oldest_age_seconds": None,
    "parked": 0,
    "sources": {"dead_letters": {"count": 0}},
}
LAST = "passerelle-gitlab: spool cannot be used: start it"


class Host:
    """A host where `systemctl` says what it is given, and everything else works."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tools = folder / "bin"
        self._tools.mkdir()
        self.state, self.text, self.trigger = "active", "en route", "active"
        self.condition, self.looked_at = "yes", "1"
        for tool in ("docker", "curl"):
            self._tool(tool, "exit 0")
        self._tool("id", "echo 0")
        self._tool("journalctl", f'case "$*" in *_SYSTEMD_UNIT=passerelle-*) echo "{LAST}" ;; esac')

    def _tool(self, name: str, does: str) -> None:
        path = self._tools / name
        path.write_text(f"#!/bin/bash\n{does}\n")
        path.chmod(0o755)

    def says(self, relay: str, status: dict[str, Any] | str, age: float = 0.0) -> None:
        """What a relay's status file holds, for so many seconds."""
        file = self._folder / "run" / f"passerelle-{relay}" / "status.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(status if isinstance(status, str) else json.dumps(status))
        os.utime(file, (time.time() - age,) * 2)

    def status(self) -> tuple[int, str]:
        """The exit code of the command, and what it printed."""
        answers = {
            "*ActiveState*.service": self.state,
            "*ActiveState*": self.trigger,
            "*StatusText*": self.text,
            "*ConditionResult*": self.condition,
            "*ConditionTimestamp*": self.looked_at,
            "*MainPID*": "7",
        }
        cases = "".join(f'{asked}) echo "{answer}" ;;\n' for asked, answer in answers.items())
        self._tool("systemctl", f'case "$*" in\n{cases}esac')
        context = type("Context", (), {"infrastructure": str(self._folder)})
        words = {"site": taaf({}), "context": context, "ca": None, "compose": "docker compose"}
        script = render("status.sh", t=lambda fr, en: fr, **words)
        assert '"/run/' in script
        ran = subprocess.run(
            ["bash", "-c", script.replace('"/run/', f'"{self._folder}/run/')],
            env={**os.environ, "PATH": f"{self._tools}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.stderr == ""
        return ran.returncode, ran.stdout


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.mark.parametrize(
    "status",
    [
        None,  # it has just started
        WELL,
        {**WELL, "backlog": 3, "oldest_age_seconds": 12.5},
        {**WELL, "sources": {"/tree": {"state": "watched", "documents": 3}}},
        {**WELL, "sources": {"/tree": {"state": "scanned", "documents": 3}}},
    ],
)
@pytest.mark.parametrize("relay", ["gitlab", "nextcloud"])
def test_what_is_well(host: Host, relay: str, status: dict[str, Any] | None) -> None:
    if status is not None:
        host.says(relay, status)
    code, text = host.status()
    assert (code, "❌" in text) == (0, False), text
    assert text.count("✅ Actif (PID: 7) - en route") == 2


@pytest.mark.parametrize(
    "different",
    [
        {"status": "degraded", "held": {"dev": "HTTP 404"}},
        {"status": "failing"},
        {"status": "failing", "backlog": None, "parked": None},
        {"backlog": 3, "oldest_age_seconds": 61.0, "retrying": {"dev": "Connection refused"}},
        {"parked": 1},
        {"sources": {"dead_letters": {"count": 2}}},
        {"sources": {"/tree": {"state": "missing", "documents": None}}},
        {"sources": {"https://cloud": {"state": "unreachable", "documents": 4}}},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("relay", ["gitlab", "nextcloud"])
def test_what_is_not(host: Host, relay: str, different: dict[str, Any]) -> None:
    host.says(relay, {**WELL, **different})
    code, text = host.status()
    assert code == 1
    assert text.count("❌") == 1
    assert "❌ Actif (PID: 7) - en route" in text
    assert "make doctor" in text


@pytest.mark.parametrize("status", ["", "{", "[]", '{"version": 1}'])
def test_a_status_that_cannot_be_read_is_not_taken_for_well(host: Host, status: str) -> None:
    host.says("gitlab", status)
    code, text = host.status()
    assert (code, text.count("❌ Actif (PID: 7) - en route")) == (1, 1), text


@pytest.mark.parametrize(
    ("age", "said"),
    [(-3600.0, ""), (0.0, ""), (15.0, ""), (45.0, "[45][0-9] s"), (130.0, "2 min"), (7300.0, "121 min")],
)
@pytest.mark.parametrize("status", [WELL, {**WELL, "parked": 1}], ids=["well", "not well"])
@pytest.mark.parametrize("relay", ["gitlab", "nextcloud"])
def test_a_status_that_is_old_is_how_things_were(
    host: Host, relay: str, status: dict[str, Any], age: float, said: str
) -> None:
    """Such as of a relay that hangs; a clock that was set back makes none old."""
    host.says(relay, status, age)
    code, text = host.status()
    marked = re.search(rf"❌ Actif \(PID: 7\) - son état date d'il y a {said} : en route\n", text)
    assert bool(marked) is bool(said), text
    assert code == int(bool(said) or status is not WELL)
    assert text.count("❌") == code


def test_of_a_relay_that_does_not_run_an_old_status_says_nothing(host: Host) -> None:
    host.says("gitlab", WELL, 7300.0)
    host.state = "failed"
    assert "son état" not in host.status()[1]


@pytest.mark.parametrize("state", ["inactive", "failed", "activating"])
def test_what_does_not_run_says_its_last_word(host: Host, state: str) -> None:
    host.state = state
    code, text = host.status()
    assert code == 1
    assert f"❌ Inactif ({state}) - journalctl -u passerelle-gitlab.service\n     {LAST}\n" in text
    assert "dossier surveillé" not in text
    assert "passerelle-gitlab.socket" not in text


def test_a_port_that_is_taken(host: Host) -> None:
    host.state, host.trigger = "inactive", "failed"
    _, text = host.status()
    assert "     passerelle-gitlab.socket (failed) - journalctl -u passerelle-gitlab.socket\n" in text
    assert "     passerelle-nextcloud.path (failed) - journalctl -u passerelle-nextcloud.path\n" in text


@pytest.mark.parametrize(
    ("looked_at", "said"), [("1", True), ("0", False)], ids=["looked for", "never started"]
)
def test_a_tree_that_is_not_there(host: Host, looked_at: str, said: bool) -> None:
    host.state, host.condition, host.looked_at = "inactive", "no", looked_at
    _, text = host.status()
    assert ("aucun dossier surveillé n'existe ; il démarre dès qu'il y en a un" in text) is said
