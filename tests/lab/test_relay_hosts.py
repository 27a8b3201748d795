"""Two relay hosts behind a load balancer, with one spool: they come and go, and no event is lost.

The balancer and PostgreSQL, both from Debian's packages, run beside the lab, where a site would have hosts for them.
"""

import json
import re
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import requests
from docker import DockerClient
from docker.models.containers import Container

from lab import engine, images, stack, state
from lab.standins.gitlab.webhooks.delivery import signature
from tests.acceptance.people import Chat, Forge, marker
from tests.lab.runs import ROOT, deploy, dry, pyinfra
from tests.lab.test_drift_report import drift
from tests.lab.test_outage import seen
from tests.postgresql import Cluster, cluster
from tests.waiting import wait_until

Shell = Callable[[str], str]
NAME = f"{stack.HOST}-relay"
HANDED = ("gitlab-hook-token", "gitlab-signing-token", "spool")


@dataclass(frozen=True)
class Shared:
    """A site with a further relay host, deployed."""

    settings: dict[str, str]
    further: Container
    database: Cluster
    address: str


def address_of(container: Container) -> str:
    container.reload()
    return str(container.attrs["NetworkSettings"]["Networks"][stack.NETWORK]["IPAddress"])


@contextmanager
def balancer(folder: Path, address: str, relays: list[str]) -> Iterator[None]:
    """HAProxy as the documentation describes it, for these relays."""
    engine.need({"haproxy": "haproxy"})
    (text,) = re.findall(r"```haproxy\n(.*?)```", (ROOT / "docs" / "shared-spool.md").read_text(), re.DOTALL)
    servers = "".join(f"    server relay{n} {relay}:8090\n" for n, relay in enumerate(relays))
    text = re.sub(r"(    server .*\n)+", servers, text).replace("bind :8090", f"bind {address}:8090")
    (folder / "haproxy.cfg").write_text(f"global\n    tune.bufsize 262144\n\n{text}")
    process = subprocess.Popen(["haproxy", "-db", "-f", str(folder / "haproxy.cfg")])
    try:
        wait_until("the balancer", lambda: process.poll() is not None or answers(address))
        assert process.poll() is None
        yield
    finally:
        process.terminate()
        process.wait(20)


def answers(address: str) -> bool:
    try:
        socket.create_connection((address, 8090), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def shared(engine_client: DockerClient, tmp_path: Path, forge: Forge) -> Iterator[Shared]:
    """The lab with a further relay host; afterwards it is as it was."""
    lab = state.current()
    image = images.host_image(engine_client)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    further = stack.start_host(engine_client, lab, image, NAME, "relay2", port)
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(stack.known_host(further, port))
    network = engine_client.networks.get(stack.NETWORK)
    gateway = network.attrs["IPAM"]["Config"][0]["Gateway"]
    relays = [address_of(stack.host_container(engine_client)), address_of(further)]
    reached = {"address": "127.0.0.1", "ssh_port": port, "known_hosts": str(known_hosts)}
    with cluster(gateway) as database, balancer(tmp_path, gateway, relays):
        settings = {
            "relays__spool": database.database(),
            "relays__address": gateway,
            "relays__hosts": json.dumps([reached]),
        }
        yield Shared(settings, further, database, gateway)
        deploy()
        further.remove(force=True)
        found = forge.api("GET", "application/settings")["outbound_local_requests_whitelist"]
        assert f"{gateway}:8090" not in found


class Sender(threading.Thread):
    """GitLab: one event after the other, each once, whatever becomes of it."""

    def __init__(self, address: str, key: str, mark: str) -> None:
        super().__init__(daemon=True)
        self._url = f"http://{address}:8090/webhook/gitlab"
        self._key = key
        self._mark = mark
        self._enough = threading.Event()
        self.answers: list[int] = []

    def run(self) -> None:
        while not self._enough.is_set():
            self.answers.append(self._send(f"{self._mark}-{len(self.answers)}"))

    def end(self) -> None:
        """No further events."""
        self._enough.set()
        self.join()

    def wait(self, count: int) -> None:
        """Wait until so many further events were answered."""
        seen = len(self.answers)
        wait_until("events", lambda: not self.is_alive() or len(self.answers) >= seen + count, 60)
        assert self.is_alive()

    def _send(self, title: str) -> int:
        attributes = {"title": title, "action": "open", "iid": 1, "url": "http://git/1"}
        body = json.dumps({"object_kind": "issue", "object_attributes": attributes}).encode()
        identity, stamp = str(uuid.uuid4()), str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Gitlab-Event": "Issue Hook",
            "webhook-id": identity,
            "webhook-timestamp": stamp,
            "webhook-signature": signature(self._key, identity, stamp, body),
            "Connection": "close",
        }
        return requests.post(self._url, data=body, headers=headers, timeout=10).status_code


@pytest.mark.exhaustive
def test_relay_hosts_come_and_go_and_no_event_is_lost(
    shared: Shared, machine: Shell, chat: Chat, forge: Forge
) -> None:
    def further(command: str) -> str:
        return stack.run(shared.further, "sh", "-c", command)

    def handed(name: str) -> bool:
        return (
            further(f"cat /etc/passerelle/{name}").split() == machine(f"cat /etc/passerelle/{name}").split()
        )

    planned = dry(**shared.settings).output
    assert "+ /etc/passerelle/spool (600 root root)" in planned
    deploy(**shared.settings)
    assert deploy(**shared.settings).changed == 0
    for name in HANDED:
        assert handed(name)
        assert further(f"stat -c '%a %U' /etc/passerelle/{name}").strip() == "600 root"
    assert "NEXTCLOUD" not in further("cat /etc/passerelle/webhooks.conf")

    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"})
    wait_until("GitLab's own", lambda: seen(chat, "dev-notifications", mark) == ["0"])

    mark = marker()
    sender = Sender(shared.address, machine("head -n 1 /etc/passerelle/gitlab-signing-token").strip(), mark)
    sender.start()
    sender.wait(20)
    # Another release or setting: the relays are started again, one after the other.
    deploy(**shared.settings, relays__digest_from="30")
    sender.wait(10)
    shared.further.kill()
    sender.wait(20)
    shared.further.start()
    sender.wait(10)
    machine("systemctl kill -s KILL --kill-whom=main passerelle-gitlab")
    sender.wait(20)
    shared.database.stop()
    shared.database.start()
    sender.wait(20)
    sender.end()

    count = len(sender.answers)
    assert sender.answers == [200] * count
    wait_until("all events", lambda: len(set(seen(chat, "dev-notifications", mark))) == count, 90)
    arrived = seen(chat, "dev-notifications", mark)
    assert list(dict.fromkeys(arrived)) == [str(number) for number in range(count)]
    # One post for each relay that was killed over it, and for the database that was stopped.
    assert len(chat.about("dev-notifications", mark, limit=1000)) <= count + 3

    # What a rotation replaces reaches the further host too.
    rotated = pyinfra("-y", deploy="rotate.py", **shared.settings)
    assert rotated.code == 0, rotated.output
    assert all(handed(name) for name in HANDED)

    # Nothing of it is left, on either host or in the database.
    shown = pyinfra("--dry", deploy="teardown.py", **shared.settings).output
    assert shown.count("- /opt/passerelle") == 2
    assert "- table passerelle.outbox" in shown
    with psycopg.connect(shared.settings["relays__spool"], autocommit=True) as database:
        there = "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('passerelle')"
        assert database.execute(there).fetchone() != (0,)
        gone = pyinfra("-y", deploy="teardown.py", **shared.settings)
        assert gone.code == 0, gone.output
        assert database.execute("SELECT to_regnamespace('passerelle')").fetchone() == (None,)
    for host in (machine, further):
        assert (
            host("ls -d /opt/passerelle /etc/passerelle /var/lib/passerelle* 2>/dev/null || true").split()
            == []
        )
    assert pyinfra("-y", deploy="teardown.py", **shared.settings).changed == 0


@pytest.mark.exhaustive
def test_what_leaves_the_settings_leaves_the_databases_and_the_hosts(
    shared: Shared, machine: Shell, chat: Chat, forge: Forge
) -> None:
    """Another spool, no further host, one that is away, no spool: each is named, and nothing of it is left."""

    def further(command: str) -> str:
        return stack.run(shared.further, "sh", "-c", command)

    def schema(address: str) -> str | None:
        with psycopg.connect(address) as database:
            found = database.execute("SELECT to_regnamespace('passerelle')::text").fetchone()
        return str(found[0]) if found and found[0] else None

    def arrives() -> None:
        mark = marker()
        forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"})
        wait_until("the event", lambda: seen(chat, "dev-notifications", mark) == ["0"])

    def as_described(**settings: str) -> None:
        assert drift(**settings) == (0, "0 difference(s)\n", "")
        arrives()

    before = shared.settings
    deploy(**before)
    following = {**before, "relays__spool": shared.database.database()}
    planned = dry(**following).output
    assert planned.count("~ /etc/passerelle/spool: another one in use, the former one beside it") == 2
    assert "- table passerelle.outbox of the former shared spool" in planned
    deploy(**following)
    for host in (machine, further):
        assert host("cat /etc/passerelle/spool").split() == [following["relays__spool"]]
    assert schema(before["relays__spool"]) is None
    as_described(**following)

    alone = {name: value for name, value in following.items() if name != "relays__hosts"}
    shared.further.stop()
    code, report, _ = drift(**alone)
    assert (code, "1 left alone" in report) == (0, True)
    assert "relay host 127.0.0.1, which relays.hosts lists no longer: not reached" in report
    deploy(**alone)
    shared.further.start()
    wait_until("SSH", lambda: shared.further.exec_run(["systemctl", "is-active", "-q", "ssh"])[0] == 0)
    assert "- 127.0.0.1: /opt/passerelle" in dry(**alone).output
    deploy(**alone)
    left = further(
        "ls -d /opt/passerelle /etc/passerelle /var/lib/passerelle* /etc/systemd/system/passerelle* 2>/dev/null || true"
    )
    assert left.split() == []
    assert "passerelle" not in further("systemctl list-units --all --no-pager; ss -ltnp")
    as_described(**alone)

    own = {"relays__address": shared.address}
    assert "- table passerelle.outbox of the former shared spool" in dry(**own).output
    deploy(**own)
    assert machine("ls /etc/passerelle").split().count("spool") == 0
    assert "spool" not in machine("cat /etc/systemd/system/passerelle-gitlab.service")
    assert schema(following["relays__spool"]) is None
    as_described(**own)
