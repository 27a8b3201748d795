"""The bot account, for sites whose messages a bot posts: it is there, where it posts, and the relays have its token.

What it may do is the least that works: a plain user of the system, a member of the team and of the channels that it
posts in.
"""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from pyinfra import host

from tasks.context import BOT_TOKEN, DeployContext, mattermost_api
from tasks.made import channels_of, posts_as_bot
from tasks.operations import bot_tokens, mattermost_bot
from tasks.operations.resource import each, step
from tasks.site import Site

# Notes that the server was made to let a bot be made.
_MEMO = "/var/lib/passerelle/mattermost-bot-setting-to-put-back"


def wanted_bot(site: Site, name: str) -> mattermost_bot.Bot:
    """The bot as the site called `name` describes it."""
    bot = site.mattermost.bot
    return mattermost_bot.Bot(bot.username, bot.display_name, bot.description, name)


def kept_bot(site: Site) -> mattermost_bot.Bot | None:
    """The bot that is to stay, None where none posts."""
    return wanted_bot(site, host.name) if posts_as_bot(site) else None


@step("Mattermost")
def provision_bot(site: Site, context: DeployContext, *, replaced: bool = False) -> None:
    """The bot, its memberships and its token; `replaced`: another token than the one that is there."""
    if not posts_as_bot(site):
        return
    bot = wanted_bot(site, host.name)
    mattermost_bot.bot(context.mattermost, bot, _MEMO, name=f"Bot {bot.username}")
    mattermost_bot.bot_memberships(
        context.mattermost,
        bot,
        site.mattermost.team,
        channels_of(site),
        name=f"Where the bot {bot.username} is a member",
    )
    bot_tokens.bot_token(**_token(site, context), replaced=replaced, name=f"Token of the bot {bot.username}")


@step("Mattermost")
def drop_former_tokens(site: Site, context: DeployContext, *, replaced: bool = False) -> None:
    """No tokens of the bot but the one that the relays have; after every relay has it."""
    if posts_as_bot(site):
        bot_tokens.no_former_tokens(
            **_token(site, context), replaced=replaced, name="Former tokens of the bot"
        )


def _token(site: Site, context: DeployContext) -> Mapping[str, Any]:
    api = context.mattermost
    return {
        "api": api,
        "as_bot": partial(mattermost_api, site),
        "find": partial(mattermost_bot.find_bot, api, wanted_bot(site, host.name)),
        "site": host.name,
        "path": BOT_TOKEN,
    }


@step("Mattermost")
def remove_bots(
    context: DeployContext, left: Collection[str], *, kept: mattermost_bot.Bot | None = None
) -> None:
    """These bots, given by name: without tokens of this site, and disabled; not the one that is `kept`, renamed."""
    for username in each(sorted(left)):
        mattermost_bot.no_bot(
            context.mattermost, username, host.name, _MEMO, kept=kept, name=f"No bot {username}"
        )


@step("Mattermost")
def leave_channels(site: Site, context: DeployContext, left: Collection[tuple[str, str]]) -> None:
    """No memberships of the bot in these channels, given by team and name, where it posts no more."""
    bot = kept_bot(site)
    if bot is None:  # a disabled one reads nothing
        return
    for team in each(sorted({team for team, _ in left})):
        mattermost_bot.no_bot_memberships(
            context.mattermost,
            bot,
            team,
            sorted(name for of, name in left if of == team),
            leaves_team=team != site.mattermost.team,
            name=f"Where the bot {bot.username} is a member no more in {team}",
        )
