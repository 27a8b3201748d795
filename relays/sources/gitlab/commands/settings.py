"""What the settings say of slash commands."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from relays.base.addresses import BaseUrl, ProxyUrl
from relays.base.schema import Section, Shown
from relays.mattermost.settings import MattermostName

COMMAND_PATH = "/mattermost/command"
"""Where the relay takes slash commands in."""
ACTION_PATH = "/mattermost/action"
"""Where it takes the presses of buttons in."""

Operators = Annotated[
    tuple[MattermostName, ...],
    Field(
        default=(),
        description="user names in Mattermost of those who decide by slash command what concerns the whole relay; who "
        "administers Mattermost always does. Mattermost is asked by the bot who somebody is, so without "
        '`posting = "bot"` nobody does',
    ),
]


class ActingSettings(Section):
    """Where commands change something; the token is the credential `gitlab-write-token`."""

    url: BaseUrl = Field(description="address of GitLab")
    proxy: ProxyUrl | None = Field(default=None, description="HTTP proxy by which it is reached")


class CommandSettings(Section):
    """Where slash commands come from; their tokens are a credential, one a line."""

    url: BaseUrl = Field(description="address of Mattermost")
    team: Shown = Field(description="name of the team whose commands are answered")
    operators: Operators
    buttons: BaseUrl | None = Field(
        default=None,
        description="address at which Mattermost reaches the relay to say that a button was pressed; without it, posts "
        "have none",
    )
    gitlab: ActingSettings | None = Field(
        default=None,
        description="the GitLab that commands and buttons change something in; without it, none does",
    )
    documents: Path | None = Field(
        default=None,
        description="socket of the Nextcloud relay, which hears there who takes which document; without it, none does",
    )
