"""What a site may say of its Mattermost: the team, the webhooks with their channels, who posts, and the commands."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from relays.base.addresses import BaseUrl, base_url
from relays.base.schema import Line, Section, Shown
from relays.mattermost.settings import ChannelName, MattermostName
from relays.sources.gitlab.commands.settings import Operators
from tasks.addresses import Proxy, Token
from tasks.texts import WebhookDescription, WebhookName

_LARGEST_IMAGE = 512 * 1024
_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")


def _icon(value: str) -> str:
    if _is_address(value):
        base_url(value.partition("?")[0])
        if len(value) > 1024:
            raise ValueError("is longer than the 1024 characters that Mattermost takes")
        return value
    try:
        with Path(value).expanduser().open("rb") as file:
            content = file.read(_LARGEST_IMAGE + 1)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}): name an image file, or an address") from None
    if not content.startswith(_IMAGES):
        raise ValueError("is no PNG, JPEG or GIF, of which alone Mattermost makes emoji: convert it")
    if len(content) > _LARGEST_IMAGE:
        raise ValueError("is larger than the 512 KiB that Mattermost takes: make it smaller")
    return value


def _is_address(value: str) -> bool:
    return value.lower().startswith(("http://", "https://"))


def _privacy(private: bool, info: ValidationInfo) -> bool:
    if private and info.data.get("channel") == "town-square":
        raise ValueError("town-square cannot be private: name another channel")
    return private


# As Mattermost accepts it (server/public/model, release 11.6).
TeamName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,63}$")]


def _bot_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9._-]{1,64}", value) or value in ("all", "channel", "matterbot", "system"):
        raise ValueError(
            "must be 1 to 64 lower-case letters, digits, dots, hyphens and underscores, and none of all, channel, "
            "matterbot and system"
        )
    return value


# As Mattermost accepts it (server/public/model, release 11.6), and no part of a path.
CommandWord = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


def _commands(value: list[str]) -> list[str]:
    if double := next((word for place, word in enumerate(value) if word in value[:place]), None):
        raise ValueError(f"{double} is given twice: take one of them out")
    return value


def _operators(value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    if value and not info.data.get("commands"):
        raise ValueError("needs mattermost.commands, by which they decide")
    if value and info.data.get("posting") != "bot":
        raise ValueError('needs mattermost.posting = "bot", for the bot asks Mattermost who somebody is')
    return value


def _buttons(value: bool, info: ValidationInfo) -> bool:
    if value and not info.data.get("commands"):
        raise ValueError("needs mattermost.commands, by whose token and way they come")
    if value and info.data.get("posting") != "bot":
        raise ValueError('needs mattermost.posting = "bot", for a webhook posts no buttons')
    return value


BotName = Annotated[str, AfterValidator(_bot_name)]


class IncomingWebhook(Section):
    """An incoming webhook of Mattermost and its channel."""

    display_name: WebhookName = Field(description="name of the webhook, by which it is found again")
    description: WebhookDescription = Field(
        description="of the webhook, in Mattermost's list of integrations"
    )
    channel: ChannelName = Field(
        description="name of the channel, as in its address; created if it is missing"
    )
    channel_display_name: Annotated[Shown, Field(max_length=64)] = Field(description="name that people see")
    channel_purpose: Annotated[Line, Field(max_length=250)] = Field("", description="purpose of the channel")
    private: Annotated[bool, AfterValidator(_privacy)] = Field(
        False,
        description="the channel is private: made so, or turned into a private one, whose members stay. Without it a "
        "new channel is public, and one that is private stays private",
    )
    members: list[MattermostName] = Field(
        [],
        description="user names in Mattermost of those who are added to the channel, and to the team; who else is in "
        "it stays, and who is taken out of the list as well",
    )
    icon: Annotated[str, AfterValidator(_icon)] | None = Field(
        None,
        description="picture beside its messages, GitLab's or Nextcloud's own for one: a file on this machine (PNG, "
        "JPEG or GIF up to 512 KiB), which becomes a custom emoji of the server, or an address, which the readers' "
        "programs fetch; without it, 🦊 and 📁",
    )

    @property
    def icon_is_address(self) -> bool:
        """Whether the icon is fetched from somewhere."""
        return self.icon is not None and _is_address(self.icon)


class Bot(Section):
    """The bot account of Mattermost that posts if `mattermost.posting` says so."""

    username: BotName = Field(
        "passerelle", description="its user name, which no person may have; another one renames the bot"
    )
    display_name: Annotated[Shown, Field(max_length=64)] = Field(
        "Passerelle", description="name that people see in its profile"
    )
    description: Annotated[Line, Field(max_length=1000)] = Field(
        "GitLab, Nextcloud",
        description="of the bot, in Mattermost's list of bots; `(Passerelle)` is put behind it",
    )


class Mattermost(Section):
    """Where Mattermost is, the team, the two incoming webhooks, and who posts."""

    url: BaseUrl = Field(description="address of Mattermost")
    token: Token = Field(description="personal access or bot token of a system administrator")
    proxy: Proxy
    team: TeamName = Field(description="name of the team, as in its address; created if it is missing")
    team_display_name: Annotated[Shown, Field(max_length=64)] = Field(description="name that people see")
    gitlab_webhook: IncomingWebhook = Field(description="where GitLab's events are posted")
    nextcloud_webhook: IncomingWebhook = Field(description="where Nextcloud's documents are posted")
    posting: Literal["webhook", "bot"] = Field(
        "webhook",
        description="who posts: `webhook`, the two incoming webhooks, or `bot`, a bot account that the deploy makes: "
        "one thread for each merge request, issue or document, whose first post always shows where it stands. To make "
        "the bot, `token` must be a person's; the webhooks stay either way",
    )
    bot: Bot = Field(Bot.model_validate({}), description="the bot account, where it posts")
    commands: Annotated[list[CommandWord], AfterValidator(_commands)] = Field(
        [],
        description='slash commands of the team that the relay answers, such as `["passerelle"]`: what comes through, '
        "and what became of it. Mattermost must reach the relay as GitLab does, which the deploy has it do "
        "(`AllowedUntrustedInternalConnections`)",
    )
    operators: Annotated[Operators, AfterValidator(_operators)]
    buttons: Annotated[bool, AfterValidator(_buttons)] = Field(
        False,
        description='under the first post of what is open, buttons for what one would do next: "I\'ll review" and '
        '"Mute 1 h", and without `relays.hosts` under that of a document "I\'ll take it"; needs `posting = "bot"` and '
        "`commands`, whose way to the relay presses take",
    )
