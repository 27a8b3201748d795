"""First-time mistakes in passerelle setup: each is reported in one line and leaves nothing behind."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from lab import state
from tasks.site import Site
from tests.acceptance.people import Chat
from tests.lab.mistakes import ENGINES, NOBODY, World, plain_user
from tests.lab.person import Person, Shell, left_behind, nothing_there, person, tokens

__all__ = ["nothing_there", "person", "tokens"]

pytestmark = [pytest.mark.usefixtures("nothing_there"), pytest.mark.exhaustive]


@dataclass(frozen=True)
class Wrong:
    """`arguments` and `variables` beside those of a run that would succeed; `reported` is in the one line."""

    name: str
    reported: str
    arguments: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    settings: str | None = None
    mode: int = 0o600
    make: str = "true"
    undo: str = "true"
    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


WRONG = [
    Wrong("nobody to ask", "give --yes", without=("--yes",)),
    Wrong("no host", "--host", without=("--host",)),
    Wrong("a port without SSH", "host.ssh_port", ("--host=127.0.0.1:9",)),
    Wrong("a name nobody knows", "host.address", ("--host=nowhere.invalid",)),
    Wrong("a user whom the host does not let in", "host.ssh_user", ("--host=stranger@127.0.0.1:{port}",)),
    Wrong("a user without sudo", "host.sudo", (f"--host={NOBODY}@127.0.0.1:{{port}}",)),
    Wrong("a key of another kind", "host.ssh_key", ("--ssh-key={home}/.ssh/known_hosts",)),
    Wrong(
        "no docker",
        "no docker command",
        make="mv /usr/bin/docker /usr/bin/docker.away",
        undo="mv /usr/bin/docker.away /usr/bin/docker",
    ),
    Wrong(
        "a silent docker",
        "Docker does not answer",
        make="mv /usr/bin/docker /usr/bin/docker.away;"
        "printf '#!/bin/sh\\necho no daemon >&2; exit 1\\n' >/usr/bin/docker; chmod 755 /usr/bin/docker",
        undo="mv /usr/bin/docker.away /usr/bin/docker",
    ),
    *(Wrong(each.name, each.named, make=each.make, undo=each.undo) for each in ENGINES),
    Wrong("another project", "--compose-project elsewhere", ("--compose-project=elsewhere",)),
    Wrong("another address of Nextcloud", "nextcloud.url", ("--nextcloud-url=http://git.taaf.internal",)),
    Wrong("nobody at Nextcloud", "nextcloud.admin", ("--nextcloud-user=nobody",)),
    Wrong("another address of Mattermost", "mattermost.url", ("--mattermost-url=http://git.taaf.internal",)),
    Wrong("an administrator whom GitLab has not", "--gitlab-admin", ("--gitlab-admin=nobody",)),
    Wrong("no way into Mattermost", "--mattermost-token-file", without=("--mattermost-token-file",)),
    Wrong("a token nobody knows", "mattermost.token", ("--mattermost-token-file={home}/wrong",)),
    Wrong("a token without the rights", "no system administrator", ("--mattermost-token-file={home}/plain",)),
    Wrong(
        "a wrong password",
        "does not take that password",
        ("--mattermost-user=admin",),
        {"PASSERELLE_SETUP_MATTERMOST_PASSWORD": "wrong"},
        without=("--mattermost-token-file",),
    ),
    Wrong("settings of several sites", "several sites", settings="[sites.a]\n"),
    Wrong(
        "settings of another host",
        "the settings are of elsewhere",
        settings='[host]\naddress = "elsewhere"\n',
    ),
    Wrong("settings that are no TOML", "is not valid TOML", settings="[host\n"),
    Wrong("settings that others may read", "chmod 600", settings="[relays]\n", mode=0o644),
    Wrong("settings with a mistake", "no such setting", settings="[gitlab]\nprojekt = 1\n"),
    Wrong(
        "a token that GitLab refuses",
        "gitlab.token",
        ("--gitlab-token-file={home}/wrong", "--gitlab-url=http://git.taaf.internal"),
    ),
]


@pytest.fixture(scope="module")
def world(site: Site, lab: state.Lab, chat: Chat, machine: Shell) -> Iterator[World]:
    """With an account that has no sudo."""
    machine(
        f"id {NOBODY} >/dev/null 2>&1 || useradd -m -s /bin/bash {NOBODY};"
        f"install -d -m 700 -o {NOBODY} -g {NOBODY} /home/{NOBODY}/.ssh;"
        f"install -m 600 -o {NOBODY} -g {NOBODY} /root/.ssh/authorized_keys /home/{NOBODY}/.ssh/"
    )
    yield World(site, lab, chat, machine)
    machine(f"userdel -rf {NOBODY} 2>/dev/null || true")


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_mistakes_are_reported_in_a_line_and_leave_nothing(
    wrong: Wrong, person: Person, world: World, tokens: Callable[[], tuple[int, int, int]]
) -> None:
    (person.home / "wrong").write_text("x" * 26)
    (person.home / "plain").write_text(plain_user(world))
    given = {
        "--yes": "--yes",
        "--host": f"--host={person.host}",
        "--mattermost-token-file": person.token(person.lab.chat_token),
    }
    beside = [each.format(port=person.lab.ssh_port, home=person.home) for each in wrong.arguments]
    named = {each.partition("=")[0] for each in beside}
    kept = [each for name, each in given.items() if name not in (*wrong.without, *named)]
    if wrong.settings is not None:
        person.settings.parent.mkdir(parents=True)
        person.settings.write_text(wrong.settings)
        person.settings.chmod(wrong.mode)
    before = tokens()
    person.variables = dict(wrong.variables)
    world.machine(wrong.make)
    try:
        done = person.run("setup", *kept, *beside)
    finally:
        world.machine(wrong.undo)
    assert done.returncode == 1, done.stdout + done.stderr
    assert wrong.reported in done.stderr
    assert "Traceback" not in done.stderr
    assert tokens() == before
    assert left_behind(person) == ([] if wrong.settings is None else ["passerelle.toml"])
    if wrong.settings is not None:
        assert person.settings.read_text() == wrong.settings
