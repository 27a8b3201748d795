"""A Compose project that was started under another name and from several files, as operators do."""

from collections.abc import Iterator

import pytest

from tasks.site import Site
from tests.acceptance.people import Chat, Cloud, Forge, marker
from tests.lab.doctor import doctor, open_issue, wait_until_sound
from tests.lab.faults.world import INFRASTRUCTURE
from tests.lab.other_sites import Shell, arrives, deployed, nothing_differs
from tests.lab.runs import deploy, dry, pyinfra
from tests.lab.test_outage import seen
from tests.waiting import wait_until

SERVICES = ("gitlab", "nextcloud", "mattermost", "portal")
# The data are those of the project that was there; the label has `make lab-down` take the containers away too.
OTHER = """\
services:
{services}
volumes:
{volumes}
""".format(
    services="\n".join(f"  {name}: {{labels: {{passerelle.lab: other}}}}" for name in SERVICES),
    volumes="\n".join(
        f"  {name}_data: !override {{external: true, name: taaf-infrastructure_{name}_data}}"
        for name in SERVICES[:3]
    ),
)
STARTED = "docker compose -p other -f docker-compose.yml -f other.yml"


@pytest.fixture
def other(machine: Shell) -> Iterator[None]:
    """The lab's applications as the project `other`; as they were at the end."""
    machine(f"cd {INFRASTRUCTURE} && cat > other.yml <<'END'\n{OTHER}END\ndocker compose down 2>&1")
    try:
        machine(f"cd {INFRASTRUCTURE} && {STARTED} up -d 2>&1")
        yield
    finally:
        machine(f"cd {INFRASTRUCTURE} && {STARTED} down 2>&1; rm -f other.yml; docker compose up -d 2>&1")
        deployed()


@pytest.fixture
def compose_yaml(machine: Shell) -> Iterator[None]:
    """The lab's applications from a file of the name that Compose prefers; as they were at the end."""
    again = "docker compose up -d --force-recreate 2>&1"
    try:
        machine(f"cd {INFRASTRUCTURE} && mv docker-compose.yml compose.yaml && {again}")
        yield
    finally:
        machine(f"cd {INFRASTRUCTURE} && mv compose.yaml docker-compose.yml; {again}")
        deployed()


def projects(machine: Shell) -> set[str]:
    """The Compose projects of which containers run."""
    label = "com.docker.compose"
    names = machine(f"docker ps --filter label={label}.service --format '{{{{.Label \"{label}.project\"}}}}'")
    return set(names.split())


@pytest.mark.exhaustive
def test_the_project_that_runs_is_the_one(
    other: None, machine: Shell, chat: Chat, forge: Forge, cloud: Cloud
) -> None:
    """Deploy, doctor and operators' commands find it, and none of them starts a second one."""
    deployed()
    assert deploy().changed == 0
    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"})
    wait_until("the event", lambda: seen(chat, "dev-notifications", mark) == ["0"])
    cloud.put(f"Contrats/{mark}.pdf", b"%PDF-1.4")
    wait_until("the document", lambda: chat.about("rh-alerts", mark))
    cloud.delete(f"Contrats/{mark}.pdf")
    open_issue(forge)
    wait_until_sound()

    machine(f"{INFRASTRUCTURE}/scripts/stop-all-services.sh 2>&1")
    assert projects(machine) == set()
    stopped = pyinfra("--dry")
    assert stopped.code != 0
    machine(f"{INFRASTRUCTURE}/scripts/start-all-services.sh 2>&1")
    assert projects(machine) == {"other"}
    wait_until("all answers", lambda: doctor().code == 0, seconds=120, every=1)
    assert "0" in machine(f"{INFRASTRUCTURE}/scripts/test-integrations.sh; echo $?").splitlines()[-1]


@pytest.mark.exhaustive
def test_a_second_stack_is_named_instead_of_chosen(other: None, machine: Shell) -> None:
    deployed()
    machine(f"cd {INFRASTRUCTURE} && docker compose up -d --no-deps portal 2>&1")
    try:
        for run in (pyinfra("-y"), pyinfra("--dry")):
            assert run.code != 0
            assert "several Compose projects (other, taaf-infrastructure); set it to the one" in run.output
            assert "Traceback" not in run.output
        assert (found := doctor()).first == "docker.projects", found.output
        assert dry(host__compose_project="other").changed == 0
    finally:
        machine(f"cd {INFRASTRUCTURE} && docker compose rm -sf portal 2>&1")


@pytest.mark.exhaustive
def test_a_project_of_compose_yaml(
    compose_yaml: None, machine: Shell, site: Site, chat: Chat, forge: Forge, cloud: Cloud
) -> None:
    deployed()
    arrives(chat, forge, cloud, site)
    nothing_differs()
    machine(f"{INFRASTRUCTURE}/scripts/stop-all-services.sh 2>&1")
    assert projects(machine) == set()
    machine(f"{INFRASTRUCTURE}/scripts/start-all-services.sh 2>&1")
    assert projects(machine) == {"taaf-infrastructure"}
    wait_until("all answers", lambda: doctor().code == 0, seconds=120, every=1)
