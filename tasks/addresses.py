"""Names of machines, paths and secrets as people write them into settings: what is meant, or why it cannot be."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import paramiko
from pydantic import AfterValidator, Field, SecretStr

from relays.base.addresses import UNPRINTABLE, ProxyUrl, Trimmed, is_name
from relays.base.schema import Number

_LOOPBACK = "localhost"


def _machine(value: str) -> str:
    """The name or address of a machine; that of IPv6 without its brackets."""
    if not value:
        raise ValueError("is empty: write the name or the address of the machine")
    if "://" in value or "/" in value:
        raise ValueError("must be a name or an address alone, without http:// and without a path")
    if "@" in value:
        raise ValueError("must be a name or an address alone: the user goes into ssh_user")
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        pass
    else:
        if address.is_unspecified or address.is_multicast:
            raise ValueError("is not the address of one machine")
        return str(address)
    if re.search(r"\]?:\d*$", value):
        raise ValueError("must be a name or an address alone: the port has a setting of its own")
    if not value.isascii():
        raise ValueError(
            "must be written in ASCII: names with other letters have a form that begins with xn--"
        )
    if not is_name(value):
        raise ValueError("is not the name or the address of a machine")
    return value


def canonical(machine: str) -> str:
    """The same for two ways to write one machine, as far as that is known without asking anybody."""
    name = machine.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return _LOOPBACK if name == _LOOPBACK or name.startswith("localhost.") else name
    return _LOOPBACK if address.is_loopback else str(address)


def is_near(url: str, machine: str) -> bool:
    """Whether an address is on the loopback or names that machine, and so nothing for a proxy."""
    named = canonical(urlsplit(url).hostname or "")
    return named == _LOOPBACK or named == canonical(machine)


def in_url(machine: str) -> str:
    """The machine as it stands in a URL or before a port."""
    return f"[{machine}]" if ":" in machine else machine


def _token(value: SecretStr) -> SecretStr:
    # Copied from a page or a file, it may have brought a space or the end of the line along.
    secret = value.get_secret_value().strip()
    if not secret:
        raise ValueError("is empty")
    if secret in ("…", "..."):
        raise ValueError("is the README's example: put the token in its place")
    if UNPRINTABLE.search(secret):
        raise ValueError("holds a space, a control character or a letter that no token has: copy it anew")
    return SecretStr(secret)


def _password(value: SecretStr) -> SecretStr:
    # A password may hold spaces; the end of a line it has from the file that it was copied from.
    secret = value.get_secret_value().rstrip("\r\n")
    if not secret.strip():
        raise ValueError("is empty")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in secret):
        raise ValueError("holds a control character, such as the end of a line: copy it anew")
    return SecretStr(secret)


def _folder_on_host(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must hold no control characters")
    if value.startswith("~") and value != "~" and not value.startswith("~/"):
        raise ValueError("must be absolute, or begin with ~/ for the SSH user's own folder")
    if not value.startswith(("/", "~")):
        raise ValueError("must be absolute, such as /srv/compose, or begin with ~/")
    if {".", ".."} & set(value.split("/")):
        raise ValueError("must be written without . and ..")
    return value


def existing_file(value: Path) -> Path:
    """The file, absolute; ValueError if it is none that can be read."""
    path = value.expanduser()
    if not path.exists():
        raise ValueError("there is no such file on this machine: correct the path")
    if not path.is_file():
        raise ValueError("is not a file: name the file itself")
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}): correct its owner or its mode") from None
    return path.absolute()


def _private_key(value: Path) -> Path:
    path = existing_file(value)
    start = path.read_bytes()[:64]
    if start.startswith((b"ssh-", b"ecdsa-")):
        raise ValueError("is a public key: name the private one, the file without .pub")
    if start.startswith(b"PuTTY-User-Key-File"):
        raise ValueError("is a key in PuTTY's format: convert it with puttygen -O private-openssh")
    try:
        paramiko.PKey.from_path(path)
    except paramiko.PasswordRequiredException:
        raise _encrypted() from None
    except TypeError:  # as cryptography says that a passphrase is needed
        raise _encrypted() from None
    except Exception:  # what a library makes of any bytes
        raise ValueError("is not a private key that can be read: name another one") from None
    return path


def _encrypted() -> ValueError:
    return ValueError("is protected by a passphrase: ssh-add it to your agent, and leave this setting out")


MachineName = Annotated[str, Trimmed, AfterValidator(_machine)]
Token = Annotated[SecretStr, AfterValidator(_token)]
Password = Annotated[SecretStr, AfterValidator(_password)]
Port = Annotated[Number, Field(ge=1, le=65535)]
HostFolder = Annotated[str, Trimmed, AfterValidator(_folder_on_host)]
ExistingFile = Annotated[Path, Trimmed, AfterValidator(existing_file)]
PrivateKey = Annotated[Path, Trimmed, AfterValidator(_private_key)]
UserName = Annotated[str, Trimmed, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,63}$")]
Proxy = Annotated[
    ProxyUrl | None,
    Field(
        None,
        description="HTTP proxy by which the host reaches `url`, such as `http://proxy.example.org:3128`, without user "
        "and password; without it, directly: no variable of the host's environment changes that",
    ),
]
