"""make rotate: every secret is another one afterwards, the old ones are worthless, and no event is lost meanwhile."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.acceptance.people import Chat, Forge, marker
from tests.lab.runs import ROOT, deploy, environment, pyinfra
from tests.lab.test_outage import seen
from tests.waiting import wait_until

Shell = Callable[[str], str]
FILES = ("/etc/passerelle/gitlab-hook-token", "/etc/passerelle/gitlab-signing-token")
CONF = "/root/taaf-infrastructure/scripts/.webhooks.conf"


def rotate() -> subprocess.Popen[bytes]:
    """The command, started."""
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("pyinfra")), "-y", "inventory.py", "rotate.py"],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def secrets(machine: Shell) -> dict[str, list[str]]:
    """The secrets of each kind, as the host holds them."""
    found = {path: machine(f"cat {path}").split() for path in FILES}
    return found | {"webhooks": re.findall(r"http\S+/hooks/[a-z0-9]+", machine(f"cat {CONF}"))}


def test_every_secret_is_replaced_and_no_event_lost(
    machine: Shell, chat: Chat, events: Callable[[], tuple[str, int]]
) -> None:
    before = secrets(machine)
    run = rotate()
    output, _ = run.communicate()
    mark, count = events()
    assert run.returncode == 0, output.decode()
    after = secrets(machine)
    for kind, values in before.items():
        assert len(after[kind]) == len(values)
        assert not set(after[kind]) & set(values)
        assert not [value for value in (*values, *after[kind]) if value in output.decode()]
    wait_until("all events", lambda: len(set(seen(chat, "dev-notifications", mark))) == count, seconds=60)
    assert count > 10, "hardly anything happened meanwhile"
    session = requests.Session()
    session.proxies = dict.fromkeys(("http", "https"), chat.proxy) if chat.proxy else {}
    for url in before["webhooks"]:
        assert session.post(url, json={"text": "old"}, timeout=20).status_code == 400
    assert not chat.about("dev-notifications", "(replaced)")
    names = [hook["display_name"] for hook in chat.api("GET", "/hooks/incoming?per_page=200")]
    assert sorted(names) == ["GitLab Notifications", "Nextcloud File Monitor"]
    assert deploy().changed == 0


@pytest.mark.exhaustive
@pytest.mark.parametrize("words", ["New secret beside", "in use", "set aside"])
def test_a_rotation_that_is_killed_leaves_a_site_that_works(
    words: str, machine: Shell, chat: Chat, forge: Forge
) -> None:
    run = rotate()
    assert run.stdout is not None
    for line in run.stdout:
        if b"Starting operation" in line and words.encode() in line:
            break
    run.kill()
    run.communicate()
    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"})
    wait_until("the event after the kill", lambda: seen(chat, "dev-notifications", mark) == ["0"])
    deploy()
    run = rotate()
    output, _ = run.communicate()
    assert run.returncode == 0, output.decode()
    assert all(len(machine(f"cat {path}").split()) == 1 for path in FILES)
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-1"})
    wait_until("the event after all", lambda: seen(chat, "dev-notifications", mark) == ["0", "1"])
    assert deploy().changed == 0


def test_a_rotation_does_not_move_the_port(forge: Forge) -> None:
    deploy()
    hooks = forge.hooks()
    run = pyinfra("-y", deploy="rotate.py", relays__port="8091")
    assert run.code != 0
    assert "relays.port = 8091: the relays of this site listen on 8090; run deploy.py" in run.output
    assert forge.hooks() == hooks
