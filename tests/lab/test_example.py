"""The example of docs/operations.md as anybody's deploy: shown, made, and nothing left to do."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from requests import HTTPError

from lab import state
from tests.acceptance.people import Chat, Forge
from tests.example import example
from tests.lab.faults.world import TREE
from tests.lab.runs import ROOT

MADE = (
    "+ channel releases in team taaf",
    "+ incoming webhook 'Release bot' to channel releases",
    "+ outbound allow-list entry 192.0.2.10:9000",
    "+ project root/example with a README",
    "+ /etc/example/hook-token: a random secret (600 root root)",
    "+ hook Release bot of root/example to http://192.0.2.10:9000/push on tag_push_events",
    "+ folder Example of admin",
    "+ folder Example/Drafts of admin",
)


@pytest.fixture
def elsewhere(tmp_path: Path, chat: Chat, forge: Forge, machine: Any) -> Iterator[Path]:
    """A folder with the example and an inventory of its own; what it makes is taken away at the end."""
    lab = state.current()
    data = {
        "ssh_hostname": "127.0.0.1",
        "ssh_port": lab.ssh_port,
        "ssh_user": "root",
        "ssh_key": str(state.KEY),
        "ssh_known_hosts_file": str(state.KNOWN_HOSTS),
    }
    (tmp_path / "inventory.py").write_text(f"hosts = [({'lab'!r}, {data!r})]\n")
    (tmp_path / "deploy.py").write_text(example())
    yield tmp_path
    settings = forge.api("GET", "application/settings")["outbound_local_requests_whitelist"]
    others = "\n".join(entry for entry in settings if entry != "192.0.2.10:9000")
    forge.api("PUT", "application/settings", {"outbound_local_requests_allowlist_raw": others})
    with suppress(HTTPError):  # what the run has not come to
        forge.api("DELETE", "projects/root%2Fexample")
        chat.api("DELETE", f"/channels/{chat.channel('releases')['id']}")
    machine(f"rm -rf /etc/example {TREE}/../Example")


def run(where: Path, *options: str) -> tuple[str, dict[str, Any]]:
    """What pyinfra printed for people, and for machines; it must succeed."""
    lab = state.current()
    secrets = {"CHAT_TOKEN": lab.chat_token, "FORGE_TOKEN": lab.root_token, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("pyinfra")),
            "--json",
            *options,
            "inventory.py",
            "deploy.py",
        ],
        cwd=where,
        env={**os.environ, **secrets},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr, json.loads(done.stdout)


def test_example_is_shown_made_and_left_alone(elsewhere: Path, forge: Forge) -> None:
    shown, _ = run(elsewhere, "--dry")
    assert [line for line in MADE if line not in shown] == []
    made, reported = run(elsewhere, "-y")
    assert [line for line in MADE if line not in made] == []
    assert reported["results"]["totals"]["error"] == 0
    (hook,) = forge.api("GET", "projects/root%2Fexample/hooks")
    assert (hook["name"], hook["tag_push_events"], hook["push_events"]) == ("Release bot", True, False)
    assert hook["token_present"]
    assert hook["signing_token_present"]
    assert run(elsewhere, "-y")[1]["results"]["totals"]["success"] == 0
