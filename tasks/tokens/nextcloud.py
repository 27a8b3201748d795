"""Nextcloud's app passwords, by occ in its container: they can be made, listed and deleted there, and never expire."""

import json
import re

from pydantic import SecretStr

from tasks.operations.compose import run_in
from tasks.operations.nextcloud import OWNER
from tasks.operations.remote import last_line
from tasks.operations.resource import ResourceError

_PASSWORD = re.compile(r"[A-Za-z0-9-]{20,}")
# IToken::PERMANENT_TOKEN, in the place of a session of a browser.
_PERMANENT = 1


def occ(container: str, *arguments: str) -> tuple[bool, str]:
    """Run a command of occ; whether it ended with 0, and what it printed."""
    return run_in(container, "php", "occ", "--no-interaction", *arguments, user=OWNER)


def make(container: str, user: str) -> tuple[str, SecretStr]:
    """A new app password of the account: its number, and the password."""
    before = _numbers(container, user)
    ok, output = occ(container, "user:auth-tokens:add", user)
    password = ([line.strip() for line in output.splitlines() if line.strip()] or [""])[-1]
    try:
        new = sorted(_numbers(container, user) - before)
    except ResourceError:
        new = []
    if ok and len(new) == 1 and _PASSWORD.fullmatch(password):
        return str(new[0]), SecretStr(password)
    # What occ has printed may be the password, so it is not shown. One that fails may have made it before it failed.
    if (ok and len(new) != 1) or len(new) > 1:
        which = f"numbers {', '.join(map(str, new))}" if new else "occ lists no new one"
        raise ResourceError(
            f"nextcloud: which app password of {user} is the one just made is not known ({which}); remove those called "
            "cli that nobody uses under Settings > Security, then run again"
        )
    for number in new:
        revoke(container, user, str(number))
    raise ResourceError(
        f"nextcloud: occ makes no app password for {user}; make one under Settings > Security and give it with "
        "--nextcloud-password-file"
    )


def revoke(container: str, user: str, number: str) -> None:
    """Have Nextcloud accept the app password of that number no longer."""
    ok, output = occ(container, "user:auth-tokens:delete", user, number)
    if not ok:
        raise ResourceError(f"nextcloud: occ deletes no app password: {output.strip()[-200:]}")


def _numbers(container: str, user: str) -> set[int]:
    """Those of the account's app passwords; a browser that signs in meanwhile has a session, and none of these."""
    ok, output = occ(container, "user:auth-tokens:list", user, "--output=json")
    try:
        if not ok:
            raise ValueError
        listed = json.loads(output[output.index("[") :])
        return {int(token["id"]) for token in listed if token["type"] == _PERMANENT}
    except (ValueError, KeyError, TypeError):
        raise ResourceError(
            f"nextcloud: occ does not list the app passwords of {user}: {last_line(output)}"
        ) from None
