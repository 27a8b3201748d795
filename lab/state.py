"""What a running lab must remember: its keys, passwords and ports. Git ignores it, others cannot read it."""

import json
import secrets
import socket
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from tasks import places

STATE = places.state()
SETTINGS = STATE / "passerelle.toml"
KEY = STATE / "ssh_key"
KNOWN_HOSTS = STATE / "known_hosts"
FLEET_SETTINGS = STATE / "fleet.toml"
FLEET_KNOWN_HOSTS = STATE / "fleet_known_hosts"
_FILE = STATE / "lab.json"


@dataclass
class Lab:
    """One lab. The ports are on the loopback of this machine, for a person's browser and for SSH."""

    id: str
    ssh_port: int
    git_port: int
    cloud_port: int
    chat_port: int
    root_password: str
    root_token: str
    read_token: str
    cloud_password: str
    chat_password: str
    chat_token: str = ""

    def save(self) -> None:
        """Keep it for the next command, 0600."""
        write_private(_FILE, json.dumps(asdict(self), indent=1))


def write_private(path: Path, text: str) -> None:
    """Write a file that is never readable by others."""
    STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def current() -> Lab:
    """The lab of this checkout; a new one, not running yet, where there is none."""
    if _FILE.exists():
        return Lab(**json.loads(_FILE.read_text()))
    lab = Lab(
        id=secrets.token_hex(4),
        ssh_port=free_port(2222),
        git_port=free_port(18066),
        cloud_port=free_port(18067),
        chat_port=free_port(18065),
        root_password=secrets.token_urlsafe(12),
        root_token=f"glpat-{secrets.token_urlsafe(15)}",
        read_token=f"glpat-{secrets.token_urlsafe(15)}",
        cloud_password=secrets.token_urlsafe(12),
        chat_password=f"{secrets.token_urlsafe(12)}-Aa1",
    )
    lab.save()
    KEY.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(KEY)], check=True)
    return lab


def forget() -> None:
    """Remove all of it; the engine's files stay."""
    files = (SETTINGS, KEY, KEY.with_suffix(".pub"), KNOWN_HOSTS, FLEET_SETTINGS, FLEET_KNOWN_HOSTS)
    for path in (_FILE, *files):
        path.unlink(missing_ok=True)


def free_port(preferred: int = 0) -> int:
    """A free loopback port, the preferred one if it is."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on the loopback interface")
