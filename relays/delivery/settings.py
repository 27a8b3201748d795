"""What the settings of both relays say."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from relays.base.addresses import BaseUrl, ProxyUrl
from relays.base.schema import Number, Section, Shown
from relays.delivery.digest import MOST_LINES
from relays.mattermost.settings import ChannelName, Icon
from relays.wording import DEFAULT_LANGUAGE, Language

_HIGHEST_FROM = 10_000


def _digest_from(value: int) -> int:
    if value != 0 and not 2 <= value <= _HIGHEST_FROM:
        raise ValueError(f"must be a number from 2 to {_HIGHEST_FROM}, or 0 for no digests")
    return value


RelayLanguage = Annotated[
    Language, Field(DEFAULT_LANGUAGE, description="of messages and operators' commands")
]
DigestFrom = Annotated[
    Number,
    AfterValidator(_digest_from),
    Field(
        default=20,
        description=f"when so many notifications have piled up, from 2 to {_HIGHEST_FROM}, they are folded into "
        f"digests of up to {MOST_LINES} lines; `0`: never",
    ),
]


class BotSettings(Section):
    """The bot that a relay posts as, instead of by its incoming webhook; its token is a credential."""

    url: BaseUrl = Field(description="address of Mattermost")
    team: Shown = Field(description="name of the team that its channels are in")


class RelaySettings(Section):
    """The file of a relay, as far as it is the same for both; a relay adds its own."""

    language: RelayLanguage
    channel: ChannelName = Field(description="that the incoming webhook was made for")
    icon: Icon | None = Field(default=None, description="beside its messages; without it, the relay's own")
    digest_from: DigestFrom
    ca: Path | None = Field(default=None, description="certificates that are trusted beside known ones")
    mattermost_proxy: ProxyUrl | None = Field(
        default=None, description="HTTP proxy by which Mattermost is reached"
    )
    bot: BotSettings | None = Field(default=None, description="posts instead of the incoming webhook")
