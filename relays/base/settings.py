"""What a relay is started with: the command line and the credentials. For its file see relays.base.settings_file.

Whatever is missing or wrong ends in a StartError: one line that names the setting, its value and the remedy.
The value of a secret is never part of it.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from relays.base.addresses import is_web_address


class StartError(Exception):
    """Why a relay cannot start, in one line for the operator, and the exit code of sysexits.h that says so."""

    def __init__(self, problem: str, code: int = os.EX_CONFIG) -> None:
        super().__init__(problem)
        self.code = code


@dataclass(frozen=True)
class RelayPaths:
    """Where a relay finds its settings and keeps its state."""

    config: Path
    credentials: Path
    state: Path


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise StartError(f"command line: {message}; see --help")


def parse_arguments(program: str, arguments: Sequence[str] | None = None) -> RelayPaths:
    """Read the command line; systemd's directories are the defaults. StartError if one is unknown or not there."""
    parser = _Parser(prog=program, allow_abbrev=False)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="settings, TOML")
    parser.add_argument("--credentials", type=Path, metavar="DIR", help="default: $CREDENTIALS_DIRECTORY")
    parser.add_argument("--state", type=Path, metavar="DIR", help="default: $STATE_DIRECTORY")
    given = parser.parse_args(arguments)
    return RelayPaths(
        config=given.config,
        credentials=_directory("--credentials", given.credentials, "CREDENTIALS_DIRECTORY"),
        state=state_directory(given.state),
    )


def state_directory(given: Path | None) -> Path:
    """The directory that keeps a relay's state, as given or from systemd. StartError if it is not there."""
    return _directory("--state", given, "STATE_DIRECTORY")


def _directory(option: str, given: Path | None, variable: str) -> Path:
    named = given or (Path(os.environ[variable].split(":")[0]) if os.environ.get(variable) else None)
    if named is None:
        raise StartError(f"{option} is missing: give the directory, or let systemd set ${variable}")
    if not named.is_dir():
        raise StartError(f"{option} = {named} is not a directory: create it, or name another one")
    return named.absolute()


def read_hook_url(credentials: Path, name: str) -> str:
    """The address called `name` in webhooks.conf, a file of NAME="value" lines and comments."""
    lines = _read_credential(credentials, "webhooks.conf").splitlines()
    pairs = [line.strip().partition("=") for line in lines if not line.lstrip().startswith("#")]
    url = {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}.get(name, "")
    where = f"{name} in {credentials / 'webhooks.conf'}"
    if not url:
        raise StartError(
            f"{where} is missing: add the address of the incoming webhook, or run the deploy again"
        )
    if not is_web_address(url) or "/hooks/" not in url or url.endswith("/hooks/") or "VOTRE_WEBHOOK" in url:
        raise StartError(
            f"{where} is not the address of a webhook (http://…/hooks/…, value not shown): correct it"
        )
    return url


def read_secrets(credentials: Path, name: str) -> list[str]:
    """The lines of the credential `name`, each a secret, of which there must be one."""
    lines = [line.strip() for line in _read_credential(credentials, name).splitlines()]
    secrets = [line for line in lines if line]
    if not secrets:
        raise StartError(f"{credentials / name} is empty: write the secret into it, or run the deploy again")
    for secret in secrets:
        _refuse_unprintable(credentials / name, secret)
    return secrets


@dataclass(frozen=True)
class Spool:
    """Where a relay keeps what waits: the address of a database, or None for a file of its own.

    `former` are those of databases where it kept it before, and where something may wait still. All are secrets.
    """

    address: str | None = field(default=None, repr=False)
    former: tuple[str, ...] = field(default=(), repr=False)


def read_spool(credentials: Path) -> Spool:
    """What the credential `spool` says: the address in use, or `file`, and on further lines the former ones."""
    if not (credentials / "spool").exists():
        return Spool()
    first, *former = read_secrets(credentials, "spool")
    return Spool(None if first == "file" else first, tuple(former))


def read_optional_secret(credentials: Path, name: str) -> str | None:
    """The content of the credential `name`, which is not empty; None if there is no such credential."""
    if not (credentials / name).exists():
        return None
    secret = _read_credential(credentials, name).strip()
    if not secret:
        raise StartError(f"{credentials / name} is empty: write a token into it, or remove it")
    _refuse_unprintable(credentials / name, secret)
    return secret


def _refuse_unprintable(file: Path, secret: str) -> None:
    # In a header of HTTP such a character would be the end of it, and libraries quote what they refuse.
    if not secret.isprintable():
        raise StartError(
            f"{file} holds a control character (value not shown): write the secret alone into it"
        )


def _read_credential(credentials: Path, name: str) -> str:
    try:
        return (credentials / name).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is not UTF-8"
        raise StartError(f"{credentials / name} cannot be read ({reason}): run the deploy again") from None
