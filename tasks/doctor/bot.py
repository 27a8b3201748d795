"""Links at the bot account, for sites whose messages a bot posts: it is there, where it posts, and its token works."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from tasks.bot import wanted_bot
from tasks.context import BOT_TOKEN
from tasks.doctor.chain import Broken, Check, Links, Noted, broken, noted
from tasks.doctor.look import Look
from tasks.made import channels_of, posts_as_bot
from tasks.operations.api import ApiError
from tasks.operations.mattermost_bot import ROLES, Account, find_bot, is_member, roles_of
from tasks.operations.resource import ResourceError

links = Links()


def _of_a_bot(check: Callable[[Look, Account], Broken | Noted | None]) -> Check:
    """A check of the bot, None as long as there is none; where none posts, all is well with it."""

    @wraps(check)
    def judge(look: Look) -> Broken | Noted | None:
        if not posts_as_bot(look.site):
            return None
        name = look.site.mattermost.bot.username
        try:
            found = find_bot(look.mattermost, wanted_bot(look.site, look.name))
        except ApiError:
            raise
        except ResourceError as error:
            return broken("bot.taken", detail=str(error))
        if found is None or found["username"] != name:
            return broken("bot.missing", bot=name)
        return check(look, found)

    return judge


@links.add("bot.account", "mattermost.team")
@_of_a_bot
def account(look: Look, bot: Account) -> Broken | Noted | None:
    """It is there, enabled, and a plain user."""
    name = bot["username"]
    owner = _owner(look, bot)
    ends_with_owner = look.mattermost.call("GET", "/api/v4/config")["ServiceSettings"].get(
        "DisableBotsWhenOwnerIsDeactivated"
    )
    if bot["delete_at"] and owner["delete_at"] and ends_with_owner:
        return broken("bot.owner", bot=name, owner=owner["username"])
    if bot["delete_at"]:
        return broken("bot.disabled", bot=name)
    roles = roles_of(look.mattermost, bot)
    if set(roles.split()) != {ROLES}:
        return broken("bot.roles", bot=name, roles=roles)
    return noted("bot.owned", bot=name, owner=owner["username"]) if ends_with_owner else None


def _owner(look: Look, bot: Account) -> dict[str, Any]:
    """Who has made it; a plugin may have, which is no account."""
    found = look.mattermost.call("GET", f"/api/v4/users/{bot['owner_id']}", absent=("404",))
    return found or {"username": bot["owner_id"], "delete_at": 0}


@links.add("bot.member", "bot.account", "mattermost.channels")
@_of_a_bot
def member(look: Look, bot: Account) -> Broken | None:
    """It is a member of all channels that it posts in."""
    for channel in channels_of(look.site):
        if not is_member(look.mattermost, look.site.mattermost.team, channel, str(bot["user_id"])):
            return broken("bot.member", bot=bot["username"], channel=channel)
    return None


@links.add("bot.token", "ssh", "bot.account")
@_of_a_bot
def token(look: Look, bot: Account) -> Broken | None:
    """The host has its token, for itself, and Mattermost takes it."""
    seen = look.host["bot"]
    if seen["access"] is None:
        return broken("bot.token-missing", path=BOT_TOKEN)
    if seen["access"] != "600":
        return broken("bot.token-access", path=BOT_TOKEN, mode=seen["access"])
    if seen["answer"] == 401:
        return broken("bot.token-refused", bot=bot["username"])
    if seen["answer"] != 200:
        return broken("bot.token-silent", detail=seen["error"] or f"HTTP {seen['answer']}")
    return None if seen["id"] == bot["user_id"] else broken("bot.token-other", bot=bot["username"])
