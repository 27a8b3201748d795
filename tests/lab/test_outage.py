"""Mattermost away, relays killed, the host started anew: nothing is lost, nothing is out of order."""

import json
import re
import time
import uuid
from collections.abc import Callable
from functools import partial

import pytest
from docker import DockerClient
from docker.models.containers import Container

from lab import stack
from lab.standins.gitlab.webhooks.delivery import signature
from tests.acceptance.people import Chat, Cloud, Forge, Tunnel, marker, shown
from tests.lab.runs import deploy
from tests.waiting import wait_until

Shell = Callable[[str], str]
SERVICES = ("passerelle-gitlab", "passerelle-nextcloud")


def kill(machine: Shell) -> None:
    """SIGKILL both relays; wait until systemd has them running again."""
    before = {service: main_pid(machine, service) for service in SERVICES}
    machine(f"systemctl kill -s KILL --kill-whom=main {' '.join(SERVICES)}")
    for service in SERVICES:
        wait_until(
            f"{service} after SIGKILL",
            partial(is_another, machine, service, before[service]),
        )


def is_another(machine: Shell, service: str, pid: str) -> bool:
    return main_pid(machine, service) != pid and is_active(machine, service)


def is_active(machine: Shell, service: str) -> bool:
    return machine(f"systemctl is-active {service} || true").strip() == "active"


def main_pid(machine: Shell, service: str) -> str:
    return machine(f"systemctl show -P MainPID {service}").strip()


def backlog(machine: Shell) -> int:
    """How many events the GitLab relay holds for Mattermost."""
    return int(json.loads(machine("curl -fsS http://127.0.0.1:8090/health"))["backlog"])


def holds(machine: Shell, events: int) -> bool:
    return backlog(machine) == events


def open_issue(forge: Forge, title: str) -> None:
    """Open an issue and wait for GitLab's delivery of it: GitLab itself keeps no order between two."""
    forge.api("POST", "PROJECT/issues", {"title": title})
    hook = next(hook["id"] for hook in forge.hooks() if hook["name"] == "Passerelle")

    def delivered() -> bool:
        events = forge.api("GET", f"PROJECT/hooks/{hook}/events?per_page=1")
        return bool(events) and events[0]["request_data"].get("object_attributes", {}).get("title") == title

    wait_until(f"the delivery of {title}", delivered, every=0.01)


def seen(chat: Chat, channel: str, mark: str) -> list[str]:
    """The numbered deeds of a test in the order of their messages, repetitions by further messages included."""
    # A digest is about many, and a message may name what it is about several times.
    return [
        found
        for post in chat.posts(channel, limit=1000)
        for found in dict.fromkeys(re.findall(rf"{mark}-(\d+)", shown(post)))
    ]


@pytest.mark.exhaustive
def test_outage_with_two_kills_loses_and_disorders_nothing(
    chat: Chat, forge: Forge, cloud: Cloud, machine: Shell, mattermost_container: Container
) -> None:
    """200 events and 50 documents while Mattermost is away, both relays killed twice meanwhile: all in digests."""
    # Many documents at once would be announced together, which test_trees.py looks at.
    deploy(nextcloud__burst_from="0")
    mark = marker()
    waiting = backlog(machine)
    mattermost_container.stop()
    for half in range(2):
        for number in range(half * 100, half * 100 + 100):
            open_issue(forge, f"{mark}-{number:03d}")
        for number in range(half * 25, half * 25 + 25):
            cloud.put(f"Contrats/{mark}-{number:03d}.pdf", b"%PDF")
        wait_until("the events are stored", partial(holds, machine, waiting + 100 * (half + 1)))
        kill(machine)
    mattermost_container.start()

    wanted = [f"{number:03d}" for number in range(200)]
    wait_until(
        "200 events", lambda: len(set(seen_or_none(chat, "dev-notifications", mark))) == 200, seconds=120
    )
    wait_until("50 documents", lambda: len(set(seen_or_none(chat, "rh-alerts", mark))) == 50, seconds=120)
    events, documents = seen(chat, "dev-notifications", mark), seen(chat, "rh-alerts", mark)
    assert list(dict.fromkeys(events)) == wanted
    assert list(dict.fromkeys(documents)) == wanted[:50]
    # Mattermost was away when the relays were killed, so no message can have been under way.
    assert (len(events), len(documents)) == (200, 50)
    # Nobody wants to read two hundred messages after an outage.
    assert len(chat.about("dev-notifications", mark, limit=1000)) < 50
    assert len(chat.about("rh-alerts", mark, limit=1000)) < 25
    deploy()


def seen_or_none(chat: Chat, channel: str, mark: str) -> list[str]:
    """The same while the server may not answer yet."""
    try:
        return seen(chat, channel, mark)
    except OSError:
        return []


def test_event_is_accepted_while_mattermost_hangs(
    chat: Chat, machine: Shell, mattermost_container: Container
) -> None:
    """GitLab waits ten seconds at the most and never sends again; a hanging chat must not matter to it."""
    mark = marker()
    mattermost_container.pause()
    key = machine("head -n 1 /etc/passerelle/gitlab-signing-token").strip()
    for number in range(3):
        payload = {
            "object_kind": "issue",
            "object_attributes": {"title": f"{mark}-{number}", "action": "open"},
        }
        body, identity, stamp = json.dumps(payload), str(uuid.uuid4()), str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Gitlab-Event": "Issue Hook",
            "webhook-id": identity,
            "webhook-timestamp": stamp,
            "webhook-signature": signature(key, identity, stamp, body.encode()),
        }
        answer = machine(
            "curl -sS -m 5 -o /dev/null -w '%{http_code}' "
            + "".join(f"-H '{name}: {value}' " for name, value in headers.items())
            + f"-d '{body}' http://127.0.0.1:8090/webhook/gitlab"
        )
        assert answer == "200"
    mattermost_container.unpause()
    wait_until(
        "the events", lambda: set(seen(chat, "dev-notifications", mark)) == {"0", "1", "2"}, seconds=90
    )


def test_restart_of_the_relay_refuses_no_connection(forge: Forge, chat: Chat, machine: Shell) -> None:
    """The port is systemd's: what comes while the relay starts waits for it."""
    mark = marker()
    machine("systemctl restart --no-block passerelle-gitlab.service")
    for number in range(10):
        forge.api("POST", "PROJECT/issues", {"title": f"{mark}-{number}"})
    wait_until("all events", lambda: len(seen(chat, "dev-notifications", mark)) == 10)


def test_events_that_came_while_the_relay_was_down_are_announced(
    forge: Forge, chat: Chat, machine: Shell
) -> None:
    """GitLab never sends again by itself; its log of deliveries knows what failed, and the relay takes it there."""
    mark = marker()
    units = "passerelle-gitlab.socket passerelle-gitlab.service"
    machine(f"systemctl stop {units}")
    for number in range(30):
        open_issue(forge, f"{mark}-{number:02d}")
    machine(f"systemctl start {units}")
    wanted = [f"{number:02d}" for number in range(30)]
    wait_until("the events", lambda: len(seen(chat, "dev-notifications", mark)) >= 30, seconds=60)
    # What is read once more is known already.
    machine("systemctl restart passerelle-gitlab.service")
    open_issue(forge, f"{mark}-30")
    wait_until("the event after", lambda: seen(chat, "dev-notifications", mark)[-1:] == ["30"])
    assert seen(chat, "dev-notifications", mark) == [*wanted, "30"]


def test_documents_that_came_while_the_relay_was_down_are_announced(
    cloud: Cloud, chat: Chat, machine: Shell
) -> None:
    mark = marker()
    machine("systemctl stop passerelle-nextcloud.path passerelle-nextcloud.service")
    cloud.put(f"Conges/{mark}-0.pdf", b"%PDF")
    cloud.put_in_bulk({f"Conges/{mark}-1.pdf": b"%PDF", f"Conges/{mark}-2.pdf": b"%PDF"})
    machine("systemctl start passerelle-nextcloud.path passerelle-nextcloud.service")
    wait_until("the documents", lambda: sorted(seen(chat, "rh-alerts", mark)) == ["0", "1", "2"])


def test_tree_that_is_made_anew_is_watched_again(cloud: Cloud, chat: Chat, machine: Shell) -> None:
    """The service sees the tree through a bind mount, which stays with the old tree."""
    tree = "/var/lib/docker/volumes/taaf-infrastructure_nextcloud_data/_data/data/admin/files/Documents_RH"
    mark = marker()
    machine(f"mv {tree} {tree}_{mark}")
    wait_until(
        "the relay has let go of the old tree",
        lambda: not is_active(machine, "passerelle-nextcloud.service"),
        seconds=90,
    )
    machine(f"cp -a {tree}_{mark} {tree} && rm -r {tree}_{mark}")
    wait_until(
        "the relay watches the new tree",
        lambda: is_active(machine, "passerelle-nextcloud.service"),
    )
    cloud.put(f"Contrats/{mark}-1.pdf", b"%PDF")
    wait_until("the document", lambda: seen(chat, "rh-alerts", mark) == ["1"])


def test_relays_come_back_with_the_host(
    forge: Forge, cloud: Cloud, chat: Chat, machine: Shell, engine_client: DockerClient, tunnel: Tunnel
) -> None:
    """Started at boot, with what they held."""
    mark = marker()
    container = stack.host_container(engine_client)
    container.restart(timeout=20)
    stack.up()
    tunnel.open()
    for service in SERVICES:
        wait_until(service, partial(is_active, machine, service))
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"})
    cloud.put(f"Contrats/{mark}-0.pdf", b"%PDF")
    wait_until("the event", lambda: seen(chat, "dev-notifications", mark) == ["0"])
    wait_until("the document", lambda: seen(chat, "rh-alerts", mark) == ["0"])


@pytest.mark.parametrize("command", ["stop-all-services.sh", "start-all-services.sh"])
def test_operators_stop_and_start_everything(command: str, machine: Shell) -> None:
    """Applications and relays together; status.sh says which of the two it is."""
    scripts = "/root/taaf-infrastructure/scripts"
    output = machine(f"{scripts}/{command} 2>&1; echo rc=$?")
    assert "rc=0" in output
    status = machine(f"{scripts}/status.sh 2>&1; echo rc=$?")
    if command.startswith("stop"):
        assert "rc=1" in status
        assert "PID:" not in status
        assert status.count("❌") == 6
        assert "rc=1" in machine(f"{scripts}/test-integrations.sh 2>&1; echo rc=$?")
    else:
        wait_until("status.sh is content", lambda: "rc=0" in machine(f"{scripts}/status.sh 2>&1; echo rc=$?"))
        assert "rc=0" in machine(f"{scripts}/test-integrations.sh 2>&1; echo rc=$?")
