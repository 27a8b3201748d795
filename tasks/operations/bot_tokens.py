"""Access tokens of a bot of Mattermost, one for each site: made, kept in a file on the host, replaced, revoked.

A token is shown when it is made and never again; of those that there are the server shows the descriptions. So each
bears the site and a number in its description, the highest being the last one made, and which one is in the file is
certain as long as there is one alone. Where there are several (a run that was killed, a rotation under way) another one
is made, and the others go when it is in use.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import SecretStr
from pyinfra import host, state
from pyinfra.api import QuoteString, StringCommand

from tasks.operations.api import Api, ApiError
from tasks.operations.remote import run_quietly
from tasks.operations.resource import Commands, ResourceError, change, mend, resource, show
from tasks.operations.secret_file import ACCESS
from tasks.operations.text_file import Files, write

Token = Mapping[str, Any]

_OURS = re.compile(r"Passerelle, (?P<site>.+), (?P<number>\d+)")


def all_tokens(api: Api, identity: str) -> list[Token]:
    """The tokens of the bot that Passerelle has made, for whatever site, the last one made of each last."""
    found = api.pages(f"/api/v4/users/{identity}/tokens", size=200)
    ours = [token for token in found if _OURS.fullmatch(token["description"])]
    return sorted(ours, key=_number)


def is_of_site(token: Token, site: str) -> bool:
    """Whether a token of ours is this site's."""
    found = _OURS.fullmatch(token["description"])
    return found is not None and found["site"] == site


def _number(token: Token) -> int:
    found = _OURS.fullmatch(token["description"])
    return int(found["number"]) if found else 0


def revoke(api: Api, tokens: Sequence[Token]) -> None:
    """End these tokens, at once."""
    for token in tokens:
        api.call("POST", "/api/v4/users/tokens/revoke", {"token_id": token["id"]})


def saved_token(path: str) -> SecretStr | None:
    """The token in a file on the host; None without the file, or if nothing is in it."""
    _, text = run_quietly(StringCommand("cat", QuoteString(path), "2>/dev/null || true"))
    return SecretStr(text.strip()) if text.strip() else None


def fault_of(
    api: Api,
    as_bot: Callable[[SecretStr], Api],
    found: Mapping[str, Any],
    site: str,
    token: SecretStr,
) -> str | None:
    """Why the token that is saved is not the bot's one token of this site, in a few words; None if it is."""
    tokens = [each for each in all_tokens(api, str(found["user_id"])) if is_of_site(each, site)]
    # While the bot is disabled none of its tokens works; what it is enabled again with is what it had.
    if not found["delete_at"]:
        try:
            me = as_bot(token).me
        except ApiError as error:
            if error.status != 401:
                raise
            return "one that Mattermost refuses"
        if me != found["user_id"]:
            return "another account's"
    if len(tokens) == 1:
        return None
    return "one of several" if tokens else "one that Passerelle has not made"


@resource
def bot_token(
    api: Api,
    as_bot: Callable[[SecretStr], Api],
    find: Callable[[], Mapping[str, Any] | None],
    site: str,
    path: str,
    *,
    replaced: bool = False,
) -> Commands:
    """Have the bot that `find` answers have a token for this site, and the file `path`, mode 0600, hold it.

    `as_bot` answers the API for a token. The token that is there is kept, unless it is to be `replaced`; those before
    go on working (`no_former_tokens`).
    """
    found = find()
    identity = str(found["user_id"]) if found else ""
    access, _ = host.get_fact(Files, paths=[path]).get(path, ("", ""))
    token = saved_token(path)
    if found is None and state.is_executing:
        raise ResourceError(f"{path}: there is no bot that its token could be of; run the deploy again")
    fault = None
    if token is not None and found is not None:
        fault = "to be replaced" if replaced else fault_of(api, as_bot, found, site, token)
    elif token is not None:
        fault = "of no bot"
    lines = []
    if not access:
        lines.append(f"+ {path} ({ACCESS}): a token of the bot")
    elif access != ACCESS:
        lines.append(f"~ {path}: {access} -> {ACCESS}")
    if access and token is None:
        lines.append(f"~ {path}: empty -> a token of the bot")
    elif fault:
        lines.append(f"~ {path}: {fault} -> a new token of the bot")
    show(lines)
    if token is None or fault:
        made: list[str] = []
        yield mend(lambda: made.append(_make(api, identity, site)))
        yield write(path, "cat", "600", "root", "root", f"{made[0]}\n")
    elif lines:
        yield StringCommand("chown root:root", QuoteString(path), "&& chmod 600", QuoteString(path))


def _make(api: Api, identity: str, site: str) -> str:
    last = max(map(_number, all_tokens(api, identity)), default=0)
    wanted = {"description": f"Passerelle, {site}, {last + 1}"}
    return str(api.call("POST", f"/api/v4/users/{identity}/tokens", wanted)["token"])


@resource
def no_former_tokens(
    api: Api,
    as_bot: Callable[[SecretStr], Api],
    find: Callable[[], Mapping[str, Any] | None],
    site: str,
    path: str,
    *,
    replaced: bool = False,
) -> Commands:
    """Have the bot have no tokens of this site but the one in the file `path`, after who needs it has that one.

    A dry run takes it that the others are there that `bot_token`, with the same arguments, would replace.
    """
    found = find()
    if found is None:
        return
    tokens = [each for each in all_tokens(api, str(found["user_id"])) if is_of_site(each, site)]
    token = saved_token(path)
    is_new = not state.is_executing and (
        replaced or token is None or fault_of(api, as_bot, found, site, token) is not None
    )
    former = tokens if is_new else tokens[:-1]
    lines = [f"- token of the bot {found['username']}: {each['description']}" for each in former]
    yield from change(lines, lambda: revoke(api, former))
