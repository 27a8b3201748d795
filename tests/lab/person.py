"""Somebody who sets a site up with the installed program, and what has become of the tokens."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab import state
from tests.acceptance.people import Chat
from tests.lab.installed import clean
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


@pytest.fixture(scope="module")
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


def left_behind(person: Person) -> list[str]:
    """What there is of setup in the home of the person."""
    place = person.settings.parent
    return sorted(path.name for path in place.iterdir()) if place.exists() else []
