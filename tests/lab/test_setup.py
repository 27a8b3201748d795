"""passerelle setup on the lab's host: three answers to the first message; again; refused; interrupted; mistaken."""

import base64
import json
import re
import shutil
import stat
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from lab import state
from tasks.site import Site
from tests.acceptance.people import Chat, Forge
from tests.lab.installed import clean
from tests.lab.mistakes import NOBODY, World, plain_user
from tests.lab.runs import deploy, pyinfra
from tests.lab.terminal import Terminal

Shell = Callable[[str], str]
HOST = "Host of GitLab and Nextcloud"
TOKEN, NAME, PASSWORD = "Token of a Mattermost administrator", "name or e-mail address", "Password of"
PLAN = "Deploy?"
TOKENS_OF_GITLAB = (
    'docker exec taaf-infrastructure-gitlab-1 python3 -c "import sqlite3; print(sqlite3.connect('
    "'/var/opt/gitlab/gitlab.sqlite3').execute('SELECT count(*) FROM access_tokens WHERE NOT revoked').fetchone()[0])\""
)
PASSWORDS_OF_NEXTCLOUD = (
    "docker exec -u www-data taaf-infrastructure-nextcloud-1 "
    "php occ user:auth-tokens:list admin --output=json"
)


@pytest.fixture(scope="module", autouse=True)
def nothing_there(lab: state.Lab) -> Iterator[None]:
    """No deploy on the host; the lab's own afterwards."""
    assert pyinfra("-y", deploy="teardown.py").code == 0
    yield
    assert pyinfra("-y", deploy="teardown.py").code == 0
    deploy()


@dataclass
class Person:
    """Somebody with SSH to the host and nothing else, who has just installed the program."""

    program: Path
    home: Path
    lab: state.Lab
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return f"root@127.0.0.1:{self.lab.ssh_port}"

    @property
    def settings(self) -> Path:
        return self.home / ".config/passerelle/passerelle.toml"

    @property
    def ledger(self) -> Path:
        return self.settings.with_suffix(".tokens.json")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command in a script."""
        return subprocess.run(
            [str(self.program), *arguments],
            cwd=self.home,
            env=clean(self.home, **self.variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def sit_down(self, *arguments: str) -> Terminal:
        """A command at a terminal."""
        return Terminal([str(self.program), *arguments], self.home, clean(self.home, **self.variables))

    def token(self, token: str) -> str:
        """The option with that token of Mattermost's, in a file."""
        file = self.home / "token"
        file.write_text(token)
        return f"--mattermost-token-file={file}"


@pytest.fixture
def person(program: Path, tmp_path: Path, lab: state.Lab) -> Person:
    keys = tmp_path / ".ssh"
    keys.mkdir(mode=0o700)
    shutil.copy(state.KEY, keys / "id_ed25519")
    (keys / "id_ed25519").chmod(0o600)
    shutil.copy(state.KNOWN_HOSTS, keys / "known_hosts")
    return Person(program, tmp_path, lab)


@pytest.fixture
def tokens(chat: Chat, machine: Shell) -> Callable[[], tuple[int, int, int]]:
    """How many tokens each application has: GitLab, Mattermost, Nextcloud."""

    def count() -> tuple[int, int, int]:
        return (
            int(machine(TOKENS_OF_GITLAB)),
            len(chat.api("GET", "/users/me/tokens?per_page=200")),
            len(json.loads(machine(PASSWORDS_OF_NEXTCLOUD))),
        )

    return count


def enters(site: Site, chat: Chat, forge: Forge, values: dict[str, dict[str, Any]]) -> dict[str, bool]:
    """Which of the tokens of a settings file the applications take."""
    basic = base64.b64encode(f"admin:{values['nextcloud']['relay_password']}".encode()).decode()
    asked = {
        "gitlab": (f"{site.gitlab.url}/api/v4/user", {"PRIVATE-TOKEN": values["gitlab"]["token"]}),
        "mattermost": (
            f"{site.mattermost.url}/api/v4/users/me",
            {"Authorization": f"Bearer {values['mattermost']['token']}"},
        ),
        "nextcloud": (
            f"{site.nextcloud.url}/remote.php/dav/files/admin/",
            {"Authorization": f"Basic {basic}"},
        ),
    }
    found = {}
    for name, (url, headers) in asked.items():
        with requests.Session() as session:
            session.proxies, session.trust_env = chat.session.proxies, False
            found[name] = session.request("HEAD", url, headers=headers, timeout=30).status_code < 400
    return found


def test_three_answers_bring_the_first_message(
    person: Person,
    site: Site,
    chat: Chat,
    forge: Forge,
    machine: Shell,
    tokens: Callable[[], tuple[int, int, int]],
) -> None:
    before, started = tokens(), time.monotonic()
    terminal = person.sit_down("setup")
    terminal.wait_for(HOST)
    terminal.type(person.host)
    terminal.wait_for(TOKEN)
    terminal.type(person.lab.chat_token)
    terminal.wait_for(PLAN)
    assert "+ hook Passerelle of" in terminal.output
    assert not person.settings.exists()
    terminal.type("")
    assert terminal.end() == 0, terminal.output
    assert time.monotonic() - started < 300  # the bound that the program promises

    assert "Traceback" not in terminal.output
    message = re.search(r"The first message: (\S+)/pl/([a-z0-9]{26})", terminal.output)
    assert message is not None, terminal.output
    assert message[1] == f"{site.mattermost.url}/{site.mattermost.team}"
    post = chat.api("GET", f"/posts/{message[2]}")
    assert post["props"]["from_webhook"] == "true"

    values = tomllib.loads(person.settings.read_text())
    assert [stat.S_IMODE(path.stat().st_mode) for path in (person.settings, person.ledger)] == [0o600] * 2
    made = [values[name][key] for name, key in (("gitlab", "token"), ("mattermost", "token"))]
    for secret in (*made, values["nextcloud"]["relay_password"], person.lab.chat_token):
        assert secret not in terminal.output
        assert secret not in person.ledger.read_text()
    assert person.lab.chat_token not in person.settings.read_text()  # used once, to make one of its own
    assert tokens() == tuple(count + 1 for count in before)

    told = person.run("drift")
    assert (told.returncode, told.stdout) == (0, "0 difference(s)\n"), told.stderr
    assert person.run("status").returncode == 0
    assert person.run("doctor").returncode == 0

    again(person, tokens)
    rotation(person, site, chat, forge, tokens)
    end(person, site, chat, forge, tokens, before)


def again(person: Person, tokens: Callable[[], tuple[int, int, int]]) -> None:
    """Run again, it keeps what is there and makes nothing."""
    held, there = person.settings.read_text(), tokens()
    done = person.run("setup", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing to do" in done.stderr
    assert "is there already: what it says stays" in done.stderr
    assert (person.settings.read_text(), tokens()) == (held, there)
    # A token that is revoked is told of, and a new one takes its place.
    values = tomllib.loads(held)
    person.settings.write_text(held.replace(values["mattermost"]["token"], "x" * 26))
    done = person.run("setup", "--yes", person.token(person.lab.chat_token))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mattermost.token in the settings is refused" in done.stderr
    assert tokens() == there  # the one that nobody knew any more is gone


def rotation(
    person: Person, site: Site, chat: Chat, forge: Forge, tokens: Callable[[], tuple[int, int, int]]
) -> None:
    """rotate renews what setup has made; the old ones are worthless afterwards."""
    old, there = tomllib.loads(person.settings.read_text()), tokens()
    done = person.run("rotate", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    new = tomllib.loads(person.settings.read_text())
    assert enters(site, chat, forge, old) == dict.fromkeys(("gitlab", "mattermost", "nextcloud"), False)
    assert enters(site, chat, forge, new) == dict.fromkeys(("gitlab", "mattermost", "nextcloud"), True)
    assert tokens() == there
    told = person.run("drift")
    assert (told.returncode, told.stdout) == (0, "0 difference(s)\n"), told.stderr


def end(
    person: Person,
    site: Site,
    chat: Chat,
    forge: Forge,
    tokens: Callable[[], tuple[int, int, int]],
    before: tuple[int, int, int],
) -> None:
    """teardown revokes what setup has made, after showing it."""
    shown = person.run("teardown", "--dry")
    listed = re.findall(r"- (\S+), made by setup", shown.stdout + shown.stderr)
    assert listed == ["nextcloud.relay_password", "mattermost.token", "gitlab.token"]
    values = tomllib.loads(person.settings.read_text())
    done = person.run("teardown", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert enters(site, chat, forge, values) == dict.fromkeys(("gitlab", "mattermost", "nextcloud"), False)
    assert tokens() == before
    assert not person.ledger.exists()


def log_in(terminal: Terminal, person: Person) -> None:
    """Up to the plan, with name and password; the first time a wrong one."""
    terminal.wait_for(HOST)
    terminal.type(person.host)
    terminal.wait_for(TOKEN)
    terminal.type("")
    terminal.wait_for(NAME)
    terminal.type("admin")
    terminal.wait_for(PASSWORD)
    terminal.type("wrong")
    terminal.wait_for("does not take that password of admin")
    terminal.wait_for(PASSWORD)
    terminal.type(person.lab.chat_password)


def test_a_plan_that_is_refused_leaves_nothing(
    person: Person, tokens: Callable[[], tuple[int, int, int]], machine: Shell
) -> None:
    before = tokens()
    terminal = person.sit_down("setup")
    log_in(terminal, person)
    terminal.wait_for(PLAN)
    assert tokens() == tuple(count + 1 for count in before)
    terminal.type("n")
    assert terminal.end() == 0
    assert "nothing is deployed" in terminal.output
    assert tokens() == before
    assert left_behind(person) == []
    assert machine("ls /opt /etc | grep -c passerelle || true").strip() == "0"


def left_behind(person: Person) -> list[str]:
    """What there is of setup in the home of the person."""
    place = person.settings.parent
    return sorted(path.name for path in place.iterdir()) if place.exists() else []


@pytest.mark.parametrize("moment", [HOST, TOKEN, NAME, PASSWORD, "making a token", "looking what is", PLAN])
def test_an_interruption_leaves_nothing(
    moment: str, person: Person, tokens: Callable[[], tuple[int, int, int]]
) -> None:
    before = tokens()
    terminal = person.sit_down("setup")
    for prompt, answer in (
        (HOST, person.host),
        (TOKEN, ""),
        (NAME, "admin"),
        (PASSWORD, person.lab.chat_password),
    ):
        terminal.wait_for(prompt)
        if prompt == moment:
            break
        terminal.type(answer)
    else:
        terminal.wait_for(moment)
    terminal.interrupt()
    assert terminal.end() == 130, terminal.output
    assert "Traceback" not in terminal.output
    assert tokens() == before
    assert left_behind(person) == []


@dataclass(frozen=True)
class Wrong:
    """`arguments` and `variables` beside those of a run that would succeed; `told` is in the one line."""

    name: str
    told: str
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
    Wrong("settings that are no TOML", "cannot be read", settings="[host\n"),
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
def test_mistakes_are_told_in_a_line_and_leave_nothing(
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
    assert wrong.told in done.stderr
    assert "Traceback" not in done.stderr
    assert tokens() == before
    assert left_behind(person) == ([] if wrong.settings is None else ["passerelle.toml"])
    if wrong.settings is not None:
        assert person.settings.read_text() == wrong.settings


def test_tokens_that_are_switched_off_are_said_so(person: Person, chat: Chat) -> None:
    """Only whoever asks for it has them switched on."""

    def switch(on: bool) -> None:
        chat.api("PUT", "/config/patch", {"ServiceSettings": {"EnableUserAccessTokens": on}})

    person.variables = {"PASSERELLE_SETUP_MATTERMOST_PASSWORD": person.lab.chat_password}
    options = ["setup", f"--host={person.host}", "--mattermost-user=admin"]
    switch(False)
    try:
        done = person.run(*options, "--yes")
        assert (done.returncode, done.stdout) == (1, "")
        assert "--allow-mattermost-tokens" in done.stderr
        assert not chat.api("GET", "/config")["ServiceSettings"]["EnableUserAccessTokens"]
        terminal = person.sit_down(*options)
        terminal.wait_for("Switch them on")
        terminal.type("")
        terminal.wait_for(PLAN)
        terminal.type("n")
        assert terminal.end() == 0
        assert chat.api("GET", "/config")["ServiceSettings"]["EnableUserAccessTokens"]
    finally:
        switch(True)
    assert left_behind(person) == []


def test_another_user_becomes_root_by_sudo(person: Person, machine: Shell) -> None:
    """The folder of the project is not the user's own, and found all the same."""
    done = person.run(
        "setup", "--yes", f"--host=ops@127.0.0.1:{person.lab.ssh_port}", person.token(person.lab.chat_token)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    values = tomllib.loads(person.settings.read_text())
    assert values["host"]["sudo"] is True
    assert "The first message" in done.stderr
    done = person.run("teardown", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
