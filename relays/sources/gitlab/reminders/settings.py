"""What a site says of reminders; the deploy uses it too (tasks.site)."""

import re
from datetime import time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from relays.base.schema import Number, Section
from relays.mattermost.settings import ChannelName

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DEFAULT_ZONE = "Europe/Paris"


def _at(value: str) -> str:
    if not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError('must be a time of day such as "08:30"')
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"is no time zone that this machine knows: write one such as {DEFAULT_ZONE}, or install its tzdata"
        ) from None
    return value


Zone = Annotated[str, AfterValidator(_zone)]
"""The name of a time zone."""


def _some(value: tuple[Day, ...]) -> tuple[Day, ...]:
    if not value:
        raise ValueError("names no day: name one, or remove the table")
    return value


class Reminders(Section):
    """The morning's reminders."""

    at: Annotated[str, AfterValidator(_at)] = Field(
        description='time of day, such as `"08:30"`: what waits for a review, lies still, is broken on the default '
        "branch or falls due is read from GitLab then, and said; needs `gitlab.read_token`"
    )
    days: Annotated[tuple[Day, ...], AfterValidator(_some)] = Field(
        default=DAYS[:5], description="days of the week"
    )
    timezone: Zone = Field(
        default=DEFAULT_ZONE, validate_default=True, description="of `at`, such as `Indian/Reunion`"
    )
    channels: tuple[ChannelName, ...] = Field(
        default=(),
        description="channels of the team that hear of everything but what is confidential; without any, a thing is "
        "said where the routes lead an event about it, which is the webhook's channel without routes",
    )
    direct: bool = Field(
        default=True,
        description="a bot reminds people in person as well, of what they are to review, have opened or are assigned, "
        "where `gitlab.direct_messages` lets it write to them",
    )
    stale_days: Annotated[Number, Field(ge=1, le=365)] = Field(
        default=14, description="a merge request that nobody has touched for so many days is stale"
    )

    @property
    def time(self) -> time:
        """The time of day."""
        return time.fromisoformat(self.at)
