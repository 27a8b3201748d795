"""What a relay posts by: an incoming webhook, or a bot where its file names one."""

from pathlib import Path

from relays.base.settings import read_hook_url, read_secrets
from relays.delivery.settings import RelaySettings
from relays.mattermost.bot_session import TOKEN, Bot
from relays.mattermost.client import Hook
from relays.mattermost.settings import as_webhook_takes


def read_sender(settings: RelaySettings, credentials: Path, hook: str) -> Hook | Bot:
    """The bot, or the webhook whose address webhooks.conf calls `hook`. StartError if its credential is wrong."""
    icon, way = as_webhook_takes(settings.icon), settings.mattermost_proxy
    if settings.bot is None:
        return Hook(read_hook_url(credentials, hook), settings.channel, icon, settings.ca, way)
    token = read_secrets(credentials, TOKEN)[0]
    return Bot(settings.bot.url, settings.bot.team, token, settings.channel, icon, settings.ca, way)
