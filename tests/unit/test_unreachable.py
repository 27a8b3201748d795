"""A host that SSH does not reach: one line with the setting and the remedy, from every command."""

import os
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
import pytest

from tests.unit.mistakes import GOOD
from tests.unit.test_mistakes import COMMANDS, ROOT

HOST_KEY = paramiko.ECDSAKey.generate()
OTHER_KEY = paramiko.ECDSAKey.generate()
Speak = Callable[[socket.socket], None]


class Stranger(paramiko.ServerInterface):
    """A sshd that lets nobody in."""

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"


def sshd(caller: socket.socket) -> None:
    transport = paramiko.Transport(caller)
    transport.add_server_key(HOST_KEY)
    with suppress(paramiko.SSHException, EOFError):
        transport.start_server(server=Stranger())
        transport.join(20)


def http(caller: socket.socket) -> None:
    caller.recv(4096)
    caller.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def nothing(caller: socket.socket) -> None:
    """Closes at once."""


@dataclass(frozen=True)
class Unreachable:
    """What is behind the port, and what is set; PORT, KEY and the like stand for what the test has made."""

    name: str
    named: str
    speak: Speak | None
    settings: dict[str, str] = field(default_factory=dict)
    ssh_config: str = ""
    address: str = "127.0.0.1"

    def __str__(self) -> str:
        return self.name


CASES = [
    Unreachable(
        "nothing listens", "host.address = '127.0.0.1', host.ssh_port = PORT: Unable to connect", None
    ),
    Unreachable("a web server", "host.ssh_port = PORT: what answers there at 127.0.0.1 is not SSH", http),
    Unreachable(
        "closes at once", "host.ssh_port = PORT: what answers there at 127.0.0.1 is not SSH", nothing
    ),
    Unreachable("no such name", "host.address = 'nowhere.invalid'", None, address="nowhere.invalid"),
    Unreachable(
        "a key that is not taken",
        "host.ssh_user = 'root': 127.0.0.1 does not let it in with host.ssh_key",
        sshd,
    ),
    Unreachable("no key at all", "does not let it in with the keys of your agent", sshd, {"SSH_KEY": ""}),
    Unreachable("another user", "host.ssh_user = 'deploy'", sshd, {"SSH_USER": "deploy"}),
    Unreachable("a host key that is not known", "ssh-keyscan -p PORT", sshd, {"KNOWN_HOSTS": "EMPTY"}),
    Unreachable("another host key", "has not the key that is in", sshd, {"KNOWN_HOSTS": "OTHER"}),
    Unreachable(
        "another user in ~/.ssh/config", "host.ssh_user = 'carla'", sshd, ssh_config="Host *\nUser carla\n"
    ),
    Unreachable(
        "a port in letters in ~/.ssh/config",
        "~/.ssh/config cannot be used",
        None,
        {"SSH_PORT": ""},
        ssh_config="Host *\nPort ssh\n",
    ),
    Unreachable(
        "a key with a passphrase in ~/.ssh/config",
        "is protected by a passphrase",
        sshd,
        {"SSH_KEY": ""},
        ssh_config="Host *\nIdentityFile HOME/protected\n",
    ),
    Unreachable(
        "a key that is not there in ~/.ssh/config",
        "there is no 'HOME/nowhere', which ~/.ssh/config names",
        sshd,
        {"SSH_KEY": ""},
        ssh_config="Host *\nIdentityFile HOME/nowhere\n",
    ),
    Unreachable(
        "a jump host that is none",
        "~/.ssh/config: the jump host on the way to 127.0.0.1 does not answer",
        sshd,
        ssh_config="Host 127.0.0.1\nProxyJump localhost:9\n",
    ),
    Unreachable(
        "a jump host to be reached through itself",
        "in a circle",
        sshd,
        ssh_config="Host *\nProxyJump bastion\n",
    ),
    Unreachable(
        "StrictHostKeyChecking", "ssh-keyscan -p PORT", sshd, ssh_config="Host *\nStrictHostKeyChecking yes\n"
    ),
]
# Each by one of the commands in turn, and by all of them with --exhaustive.
RUNS = [
    pytest.param(case, command, marks=[] if (place * 3 + turn) % 6 == 0 else [pytest.mark.exhaustive])
    for place, case in enumerate(CASES)
    for turn, command in enumerate(COMMANDS)
]


@pytest.fixture
def port(request: pytest.FixtureRequest) -> Iterator[Callable[[Speak | None], int]]:
    """Has somebody at a port of the loopback; with nobody, one where nothing listens."""
    listener = socket.create_server(("127.0.0.1", 0))

    def listen(speak: Speak | None) -> int:
        number = int(listener.getsockname()[1])
        if speak is None:
            listener.close()
        else:
            threading.Thread(target=serve, args=(listener, speak), daemon=True).start()
        return number

    yield listen
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def serve(listener: socket.socket, speak: Speak) -> None:
    while True:
        try:
            caller = listener.accept()[0]
        except OSError:
            return
        threading.Thread(target=lead, args=(caller, speak), daemon=True).start()


def lead(caller: socket.socket, speak: Speak) -> None:
    with caller, suppress(OSError):
        speak(caller)


@pytest.mark.parametrize(("mistake", "command"), RUNS, ids=str)
def test_one_line_names_the_setting_and_the_remedy(
    mistake: Unreachable, command: str, tmp_path: Path, port: Callable[[Speak | None], int]
) -> None:
    number = port(mistake.speak)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PASSERELLE_", "SSH_"))
    }
    environment |= {"HOME": str(tmp_path), **variables(mistake, tmp_path, number)}
    done = subprocess.run(
        COMMANDS[command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    output = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    named = mistake.named.replace("PORT", str(number)).replace("HOME", str(tmp_path))
    assert done.returncode in (1, 2), output
    assert "Traceback" not in output, output
    said = [line for line in output.splitlines() if named in line]
    assert len(said) == 1, output
    if command != "doctor":
        # What pyinfra says of its steps, of keys that it notes down and of those that have changed.
        steps = r"-->|No host key for .* accepting|Added host key|WARNING: REMOTE|.*Someone could|.*If this is expect"
        others = [line.strip() for line in output.splitlines() if line.strip() and named not in line]
        assert [line for line in others if not re.match(rf"{steps}|\s*ssh-keygen", line)] == [], output


def variables(case: Unreachable, home: Path, number: int) -> dict[str, str]:
    """The environment of a command that is to find all this."""
    ssh = home / ".ssh"
    if case.ssh_config:
        ssh.mkdir()
        (ssh / "config").write_text(case.ssh_config.replace("HOME", str(home)))
    paramiko.RSAKey.generate(2048).write_private_key_file(str(home / "key"))
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", str(home / "protected")]
    subprocess.run(make, check=True)
    (home / "EMPTY").write_text("")
    (home / "OTHER").write_text(f"[127.0.0.1]:{number} {OTHER_KEY.get_name()} {OTHER_KEY.get_base64()}\n")
    (home / "site.toml").touch(mode=0o600)
    (home / "site.toml").write_text(GOOD.replace("ssh_port = 9\n", ""))
    given = {"ADDRESS": case.address, "SSH_PORT": str(number), "SSH_KEY": str(home / "key"), **case.settings}
    found = {
        f"PASSERELLE_HOST__{name}": str(home / value) if name == "KNOWN_HOSTS" else value
        for name, value in given.items()
        if value
    }
    return {"PASSERELLE_SETTINGS": str(home / "site.toml"), **found}
