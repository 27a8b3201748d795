"""A Nextcloud that All-in-One has started: a container of its name, which no Compose project has."""

import tomllib
from collections.abc import Iterator

import pytest

from tests.acceptance.people import Chat, Cloud, marker
from tests.lab.doctor import doctor
from tests.lab.person import Person, Shell, nothing_there, person
from tests.lab.runs import deploy, dry, pyinfra
from tests.waiting import wait_until

__all__ = ["nothing_there", "person"]

NAME = "nextcloud-aio-nextcloud"
SERVICE = {"nextcloud__service": NAME}
COMPOSED = "taaf-infrastructure-nextcloud-1"


@pytest.fixture
def all_in_one(machine: Shell) -> Iterator[None]:
    """The lab's Nextcloud with its data, started as All-in-One starts it."""
    inspect = f"docker inspect {COMPOSED} --format"
    image = machine(f"{inspect} '{{{{.Config.Image}}}}'").strip()
    command = machine(f"{inspect} '{{{{join .Config.Cmd \" \"}}}}'").strip()
    machine(f"{inspect} '{{{{range .Config.Env}}}}{{{{println .}}}}{{{{end}}}}' | grep . > /run/aio.env")
    machine("cd /root/taaf-infrastructure && docker compose rm -sf nextcloud 2>&1")
    machine(
        f"docker run -d --name {NAME} --label passerelle.lab=aio --network passerelle-lab "
        "--network-alias cloud.taaf.internal -v taaf-infrastructure_nextcloud_data:/var/www/html -w /var/www/html "
        f"--env-file /run/aio.env {image} {command}"
    )
    yield
    machine(
        f"docker rm -f {NAME}; rm /run/aio.env; cd /root/taaf-infrastructure && docker compose up -d 2>&1"
    )
    wait_until("Nextcloud answers", lambda: pyinfra("-y").code == 0, seconds=120, every=1)


def answers(machine: Shell) -> bool:
    return "installed" in machine("curl -fsS http://cloud.taaf.internal/status.php 2>/dev/null || true")


@pytest.mark.exhaustive
def test_it_is_deployed_and_watched(all_in_one: None, machine: Shell, chat: Chat, cloud: Cloud) -> None:
    wait_until("Nextcloud answers", lambda: answers(machine), seconds=60)
    refused = pyinfra("-y")
    assert refused.code != 0
    assert "the service nextcloud has no container" in refused.output
    deploy(**SERVICE)
    assert dry(**SERVICE).changed == 0
    assert (found := doctor(**SERVICE)).code == 0, found.output
    mark = marker()
    # Not by the published port, which only Compose's container has.
    place = f"http://cloud.taaf.internal/remote.php/dav/files/admin/Documents_RH/Contrats/{mark}.pdf"
    assert cloud.send("PUT", place, data=b"%PDF-1.4").ok
    wait_until("the document", lambda: chat.about("rh-alerts", mark))
    cloud.send("DELETE", place)
    machine(f"docker stop -t 1 {NAME}")
    refused = pyinfra("--dry", **SERVICE)
    assert f"the container {NAME} is exited; start it in the interface of All-in-One" in refused.output
    assert doctor(**SERVICE).first == "docker.all-in-one"


@pytest.mark.exhaustive
@pytest.mark.usefixtures("nothing_there")
def test_setup_finds_it(all_in_one: None, machine: Shell, person: Person) -> None:
    wait_until("Nextcloud answers", lambda: answers(machine), seconds=60)
    done = person.run("setup", "--yes", "--host", person.host, person.token(person.lab.chat_token))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{NAME} (nextcloud)" in " ".join(done.stderr.split())
    assert tomllib.loads(person.settings.read_text())["nextcloud"]["service"] == NAME
    assert person.run("teardown", "--yes").returncode == 0
