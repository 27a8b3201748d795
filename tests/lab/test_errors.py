"""What goes wrong at a site: one clear line that names the setting, a non-zero exit, nothing half-done."""

import re
from collections.abc import Callable, Iterator

import pytest
from docker import DockerClient

from tests.acceptance.people import Chat
from tests.lab.runs import Run, deploy, pyinfra


def reported(run: Run) -> str:
    """The one line of the error."""
    assert run.code != 0
    assert "Traceback" not in run.output, run.output
    lines = [
        line for line in run.output.splitlines() if re.search(r"(mattermost|nextcloud|gitlab|host)[.:]", line)
    ]
    errors = [line for line in lines if not re.search(r"\] +[~+] ", line)]
    assert len(errors) == 1, run.output
    return errors[0]


@pytest.mark.parametrize(
    "options",
    [pytest.param(("-y",), marks=pytest.mark.exhaustive, id="deploy"), pytest.param(("--dry",), id="dry")],
)
@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"mattermost__token": "wrongtoken"}, "check mattermost.token"),
        ({"gitlab__token": "wrongtoken"}, "check gitlab.token"),
        ({"mattermost__url": "http://nowhere.invalid"}, "check mattermost.url"),
        ({"gitlab__url": "http://nowhere.invalid"}, "check gitlab.url"),
        ({"gitlab__url": "http://git.taaf.internal:81"}, "check gitlab.url"),
        ({"mattermost__url": "http://git.taaf.internal"}, "mattermost: "),
        ({"host__infrastructure": "/root/elsewhere"}, "check host.infrastructure"),
        ({"nextcloud__service": "cloud"}, "nextcloud.service"),
        ({"nextcloud__admin": "nobody"}, "check nextcloud.admin"),
        ({"nextcloud__data_directory": "/srv"}, "nextcloud.data_directory"),
        ({"gitlab__project": "nobody/projet"}, "check gitlab.project"),
    ],
    ids=lambda value: "-".join(value) + "=" + "-".join(value.values()) if isinstance(value, dict) else None,
)
def test_wrong_setting_is_named(settings: dict[str, str], named: str, options: tuple[str, ...]) -> None:
    line = reported(pyinfra(*options, **settings))
    assert named in line
    assert "wrongtoken" not in line


def test_wrong_token_leaves_the_other_server_untouched(chat: Chat) -> None:
    """The deploy comes to GitLab last; it does not begin what it cannot finish."""
    chat.api("PUT", "/config/patch", {"ServiceSettings": {"EnableCommands": False}})
    try:
        reported(pyinfra("-y", gitlab__token="wrongtoken"))
        assert chat.api("GET", "/config/client?format=old")["EnableCommands"] == "false"
    finally:
        deploy()
    assert chat.api("GET", "/config/client?format=old")["EnableCommands"] == "true"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"host__ssh_port": "70000"}, "host.ssh_port = '70000'"),
        ({"gitlab__token": ""}, "gitlab.token"),
        ({"gitlab__tocken": "x"}, "gitlab.tocken: there is no such setting"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_unusable_value_is_named_before_anything_is_touched(settings: dict[str, str], named: str) -> None:
    run = pyinfra("-y", **settings)
    assert run.code != 0
    assert named in run.output
    assert "Traceback" not in run.output
    assert "Connecting to hosts" not in run.output


@pytest.fixture
def stopped(engine_client: DockerClient, request: pytest.FixtureRequest) -> Iterator[str]:
    """A service whose container does not run."""
    container = engine_client.containers.get(f"taaf-infrastructure-{request.param}-1")
    container.stop()
    yield request.param
    container.start()
    deploy()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("stopped", ["mattermost", "gitlab", "nextcloud"], indirect=True)
def test_server_that_is_down_is_named(stopped: str) -> None:
    line = reported(pyinfra("--dry"))
    assert line.partition(f"{stopped}: ")[2], line
    assert "docker compose -p taaf-infrastructure up -d" in line or f"check {stopped}.url" in line


def test_overridden_setting_is_named(machine: Callable[[str], str]) -> None:
    """A variable of the server's environment beats the patch, which the API answers with 200."""
    compose = "/root/taaf-infrastructure/docker-compose.override.yml"
    variable = "MM_SERVICESETTINGS_ENABLEPOSTICONOVERRIDE"
    machine(f"printf 'services: {{mattermost: {{environment: {{{variable}: \"false\"}}}}}}' > {compose}")
    up = "cd /root/taaf-infrastructure && docker compose up -d --wait mattermost 2>&1"
    try:
        machine(up)
        line = reported_until_it_answers()
        assert variable in line
    finally:
        machine(f"rm {compose}; {up}")
    assert until_it_answers().code == 0


def until_it_answers() -> Run:
    """A deploy, once the chat server is there again."""
    for _ in range(20):
        run = pyinfra("-y")
        if "no answer from" not in run.output:
            return run
    raise AssertionError(run.output)


def reported_until_it_answers() -> str:
    return reported(until_it_answers())


def test_unreachable_host_is_named() -> None:
    run = pyinfra("-y", host__ssh_port="9")
    assert run.code != 0
    assert "Traceback" not in run.output
    assert "127.0.0.1" in run.output
