"""What a post refers to, whatever markup it stands in: channels by ``~name``, topics by ``#name``."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.mentions import searched
from lab.standins.mattermost.state.store import Row

_CHANNEL = re.compile(r"(?<![0-9A-Za-z_])~([A-Za-z0-9_-]+)")
_LONGEST = 1000
"""Characters that the topics of a post are cut to."""


def channels(
    instance: Instance, channel: Row, message: str, props: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """The public channels of the team that the post names, code spans included."""
    texts = searched(instance, message, props) if instance.release.channels_in_attachments else [message]
    names = [name.lower() for text in texts for name in _CHANNEL.findall(text)]
    rows = instance.store.all(
        "SELECT channels.name, channels.display_name, teams.name AS team FROM channels "
        "JOIN teams ON teams.id = team_id WHERE team_id = ? AND channels.type = 'O' "
        "AND channels.delete_at = 0 AND channels.name IN (SELECT value FROM json_each(?))",
        channel["team_id"],
        json.dumps(names),
    )
    return {row["name"]: {"display_name": row["display_name"], "team_name": row["team"]} for row in rows}


def hashtags(message: str) -> str:
    """The topics that the text of a post names, code spans included: words between spaces, without punctuation."""
    found = ""
    for word in message.split():
        while word and not (_in_name(word[0]) or word[0] == "#"):
            word = word[1:]
        while word and not _in_name(word[-1]):
            word = word[:-1]
        name = word.lstrip("#")
        if (
            word != name
            and len(name) > 1
            and _is_letter(name[0])
            and all(_in_name(c) or c in "-_." for c in name)
        ):
            found += f" #{name}"
    if len(found) > _LONGEST:
        found = found[: _LONGEST - 1].rpartition(" ")[0]
    return found.strip()


def _in_name(character: str) -> bool:
    return _is_letter(character) or character in "0123456789"


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] == "L"
