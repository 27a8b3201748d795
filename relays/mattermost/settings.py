"""What settings may name of Mattermost: channels, people, the icon of a relay's posts."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

from relays.base.addresses import is_web_address

# Names are as Mattermost accepts them (server/public/model, release 11.6).
_EMOJI = re.compile(r":[a-zA-Z0-9_+-]+:")


def _channel(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", value):
        raise ValueError(
            "must be the name of a channel as in its address: lower-case letters, digits, hyphens, underscores"
        )
    return value


def _icon(value: str) -> str:
    if not _EMOJI.fullmatch(value) and not is_web_address(value):
        raise ValueError("is neither :an_emoji: nor an address (http://…): correct it")
    return value


def is_person(name: str) -> bool:
    """Whether a text is a user's name in Mattermost, and no name that mentions more than one."""
    return bool(re.fullmatch(r"[a-z0-9._-]{1,64}", name)) and name not in ("all", "channel", "here", "system")


def _person(value: str) -> str:
    if not is_person(value):
        raise ValueError("is not the name of one user of Mattermost")
    return value


ChannelName = Annotated[str, AfterValidator(_channel)]
MattermostName = Annotated[str, AfterValidator(_person)]
Icon = Annotated[str, AfterValidator(_icon)]


def as_webhook_takes(icon: str | None) -> Mapping[str, str]:
    """What an incoming webhook is handed for an icon, nothing for none."""
    if icon is None:
        return {}
    return {"icon_emoji": icon} if _EMOJI.fullmatch(icon) else {"icon_url": icon}
