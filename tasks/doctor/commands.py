"""Links of the slash commands, where a site has some: they are there, lead to the relay, and it has their tokens.

Buttons come by the same way.
"""

from collections.abc import Callable
from functools import wraps

from tasks.context import COMMAND_TOKEN, action_url, command_url
from tasks.doctor.chain import Broken, Check, Links, Unclear, broken, unclear
from tasks.doctor.look import Look
from tasks.made import machine_of
from tasks.operations.mattermost_connections import is_allowed
from tasks.operations.secret_file import ACCESS
from tasks.operations.slash_commands import Listed, are_saved, find_commands, is_ours
from tasks.slash_commands import wanted_commands

# What the relay answers to a question that is none of a command's or a press's; without such it knows no such address.
_WRONG_METHOD = 405

links = Links()


def _of_commands(check: Callable[[Look], Broken | Unclear | None]) -> Check:
    """A check of slash commands; where there are to be none, all is well with it."""

    @wraps(check)
    def judge(look: Look) -> Broken | Unclear | None:
        return check(look) if look.site.mattermost.commands else None

    return judge


def _ours(look: Look) -> list[Listed]:
    chat = look.site.mattermost
    found = find_commands(look.mattermost, chat.team, chat.commands) or []
    return [each for each in found if is_ours(each)]


@links.add("command.registered", "mattermost.settings", "mattermost.team")
@_of_commands
def registered(look: Look) -> Broken | None:
    """Each is there, ours, and leads to the relay."""
    ours = {str(each["trigger"]): each for each in _ours(look)}
    for wanted in wanted_commands(look.site, look.relay):
        found = ours.get(wanted.trigger)
        if found is None:
            return broken("command.missing", word=wanted.trigger)
        if found["url"] != wanted.url or found["method"] != "P":
            return broken("command.elsewhere", word=wanted.trigger, url=wanted.url)
    return None


@links.add("command.way", "mattermost.settings")
@_of_commands
def way(look: Look) -> Broken | None:
    """Mattermost goes to the relay's address, and knows its own, without which it runs no command."""
    if not look.mattermost.call("GET", "/api/v4/config")["ServiceSettings"].get("SiteURL"):
        return broken("command.site-url")
    address = machine_of(look.relay)
    return None if is_allowed(look.mattermost, address) else broken("command.way", address=address)


@links.add("command.token", "ssh", "command.registered")
@_of_commands
def token(look: Look) -> Broken | None:
    """The host has their tokens, for itself."""
    access, digest = look.command_tokens
    if not access:
        return broken("command.token-missing", path=COMMAND_TOKEN)
    if access != ACCESS:
        return broken("command.token-access", path=COMMAND_TOKEN, access=access)
    return None if are_saved(_ours(look), digest) else broken("command.token-other", path=COMMAND_TOKEN)


@links.add("command.served", "gitlab-relay.health", "command.token")
@_of_commands
def served(look: Look) -> Broken | Unclear | None:
    """Where the commands lead to the relay takes them in, also behind a reverse proxy."""
    codes = ("command.unseen", "command.behind-proxy", "command.unserved")
    return _served(look, "command", command_url(look.site.relays.url, look.relay), codes)


@links.add("action.served", "gitlab-relay.health", "command.served")
def pressed(look: Look) -> Broken | Unclear | None:
    """Where buttons lead the relay takes presses in, also behind a reverse proxy."""
    codes = ("action.unseen", "action.behind-proxy", "action.unserved")
    return _served(look, "action", action_url(look.site.relays.url, look.relay), codes)


def _served(look: Look, what: str, url: str, codes: tuple[str, str, str]) -> Broken | Unclear | None:
    unseen, behind_proxy, unserved = codes
    answer = look.host[what]
    if answer is None:
        return None
    if not answer["status"]:
        why = answer["name"] or answer["port"] or answer["silent"] or "TLS"
        return unclear(unseen, url=url, detail=why)
    if answer["status"] == _WRONG_METHOD:
        return None
    return broken(behind_proxy if look.site.relays.url else unserved, url=url, status=answer["status"])
