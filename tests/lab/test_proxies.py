"""A site whose host reaches the applications by an HTTP proxy alone."""

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.site import Site
from tests.acceptance.people import Chat, Cloud, Forge, marker
from tests.lab.doctor import doctor
from tests.lab.other_sites import Shell, address, arrives, nothing_differs
from tests.lab.runs import deploy, pyinfra
from tests.lab.test_outage import holds
from tests.waiting import wait_until

NAMES = {
    "mattermost": "chat.taaf.internal",
    "gitlab": "git.taaf.internal",
    "nextcloud": "cloud.taaf.internal",
}
PORT = 3128
# That of the host, and one by which the people of the test reach the applications whatever becomes of the first.
PROXY, PEOPLE = "passerelle-lab-proxy", "passerelle-lab-people"
CODE = (Path(__file__).parent / "forward_proxy.py").read_text()


@pytest.fixture
def people(machine: Shell, site: Site) -> Iterator[tuple[Chat, Forge, Cloud]]:
    """People who reach the applications, while the host reaches nobody under their names but by its proxy."""
    image = machine("docker inspect taaf-infrastructure-portal-1 --format '{{.Config.Image}}'").strip()
    try:
        for name in (PROXY, PEOPLE):
            machine(
                f"docker run -d --name {name} --label passerelle.lab=proxy --network passerelle-lab {image} "
                f"python -c {shlex.quote(CODE)} {PORT}"
            )
        machine(f"echo '127.0.0.9 {' '.join(NAMES.values())}' >> /etc/hosts")
        way = f"http://{address(machine, PEOPLE)}:{PORT}"
        yield Chat(site, way), Forge(site, way), Cloud(site, way)
    finally:
        # Docker's own mount: written, not replaced.
        machine("grep -v '^127.0.0.9 ' /etc/hosts > /run/hosts; cat /run/hosts > /etc/hosts; rm /run/hosts")
        machine(f"docker rm -f {PROXY} {PEOPLE}")
        deploy()


@pytest.fixture
def settings(site: Site) -> dict[str, str]:
    """The settings of the site behind the proxy; Nextcloud is asked who has brought a document."""
    password = site.nextcloud.app_password
    assert password
    by = {f"{name}__proxy": f"http://{PROXY}:{PORT}" for name in NAMES}
    return {**by, "nextcloud__relay_password": password.get_secret_value()}


@pytest.fixture
def asked(machine: Shell) -> Callable[[], set[str]]:
    """The servers that the proxy was asked for since the last call."""
    lines = [0]

    def look() -> set[str]:
        found = machine(f"docker logs {PROXY}").splitlines()[lines[0] :]
        lines[0] += len(found)
        return {line.partition(" ")[2] for line in found}

    return look


@pytest.mark.exhaustive
def test_a_host_behind_a_proxy(
    people: tuple[Chat, Forge, Cloud],
    settings: dict[str, str],
    asked: Callable[[], set[str]],
    machine: Shell,
    site: Site,
) -> None:
    refused = pyinfra("-y", nextcloud__relay_password=settings["nextcloud__relay_password"])
    assert (refused.code, refused.changed, asked()) == (1, 0, set())

    deploy(**settings)
    # The deploy asks all three, and the relays what they ask as they start.
    assert asked() == set(NAMES.values())
    arrives(*people, site, by="admin")
    assert asked() >= {NAMES["mattermost"], NAMES["nextcloud"]}
    machine("systemctl restart passerelle-gitlab.service")
    wait_until("GitLab's log is read", lambda: NAMES["gitlab"] in asked(), seconds=60)
    nothing_differs(**settings)
    machine("/root/taaf-infrastructure/scripts/status.sh")

    # There is no other way: without the proxy an event waits, and the doctor says for what.
    chat, forge, _ = people
    mark, channel = marker(), site.mattermost.gitlab_webhook.channel
    machine(f"docker stop -t 1 {PROXY}")
    forge.api("POST", "PROJECT/issues", {"title": mark})
    wait_until("the event waits", lambda: holds(machine, 1), seconds=60)
    assert (found := doctor(**settings)).first == "host.proxy", found.output
    assert chat.about(channel, mark) == []
    machine(f"docker start {PROXY}")
    wait_until("the event", lambda: chat.about(channel, mark), seconds=120, every=1)
