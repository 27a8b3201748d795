"""Nextcloud's app passwords, by occ in its container: they can be made, listed and deleted there, and never expire."""

import json
import re

from pydantic import SecretStr

from tasks.operations.compose import run_in
from tasks.operations.nextcloud import OWNER
from tasks.operations.resource import ResourceError

_PASSWORD = re.compile(r"[A-Za-z0-9-]{20,}")


def occ(container: str, *arguments: str) -> tuple[bool, str]:
    """Run a command of occ; whether it ended with 0, and what it printed."""
    return run_in(container, "php", "occ", "--no-interaction", *arguments, user=OWNER)


def make(container: str, user: str) -> tuple[str, SecretStr]:
    """A new app password of the account: its number, and the password."""
    before = _numbers(container, user)
    ok, output = occ(container, "user:auth-tokens:add", user)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if not ok or not lines or not _PASSWORD.fullmatch(lines[-1]):
        # What it printed may be the password.
        raise ResourceError(
            f"nextcloud: occ makes no app password for {user}; make one under Settings > Security and give it with "
            "--nextcloud-password-file"
        )
    (number,) = (_numbers(container, user) - before) or {0}
    return str(number), SecretStr(lines[-1])


def revoke(container: str, user: str, number: str) -> None:
    """Have Nextcloud accept the app password of that number no longer."""
    ok, output = occ(container, "user:auth-tokens:delete", user, number)
    if not ok:
        raise ResourceError(f"nextcloud: occ deletes no app password: {output.strip()[-200:]}")


def _numbers(container: str, user: str) -> set[int]:
    ok, output = occ(container, "user:auth-tokens:list", user, "--output=json")
    start = output.find("[")
    try:
        return {int(token["id"]) for token in json.loads(output[start:])} if ok and start >= 0 else set()
    except (ValueError, KeyError, TypeError):
        return set()
