"""Whom a post notifies, counted as the badge on a channel shows it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row
from lab.standins.mattermost.state.text_nodes import texts

_EVERYBODY = {"@all", "@channel", "@here"}
_SEPARATORS = re.compile("[.:-]")


def count(
    instance: Instance, channel: Row, author: Row, message: str, type: str, props: Mapping[str, Any]
) -> None:
    """Add one mention to every member of the channel whom the post notifies.

    A person's own post does not notify them; a webhook's post does notify the hook's owner.
    """
    rows = instance.store.all(
        "SELECT users.id, username FROM channel_members JOIN users ON users.id = user_id WHERE channel_id = ?",
        channel["id"],
    )
    names = {row["username"]: row["id"] for row in rows}
    notified: set[str] = set()
    if type == "system_add_to_channel":
        notified.add(props["addedUserId"])
    elif channel["type"] == "D":
        notified.update(names.values())
    elif not type.startswith("system_"):
        limit = instance.config.get("TeamSettings", "MaxNotificationsPerChannel")
        for name in mentioned(instance, names, message, props):
            if name not in _EVERYBODY:
                notified.add(names[name[1:]])
            elif len(names) <= limit:
                notified.update(names.values())
    if "from_webhook" not in props:
        notified.discard(author["id"])
    for user_id in notified:
        instance.store.execute(
            "UPDATE channel_members SET mention_count = mention_count + 1 WHERE channel_id = ? AND user_id = ?",
            channel["id"],
            user_id,
        )


def mentioned(
    instance: Instance, names: Mapping[str, str], message: str, props: Mapping[str, Any]
) -> Iterator[str]:
    """The mentions in the places of a post that are searched, in lower case and with their ``@``."""
    keywords = _EVERYBODY | {f"@{name}" for name in names}
    for text in searched(instance, message, props):
        for run in texts(text):
            for word in _words(run):
                yield from _in_word(word, keywords)


def searched(instance: Instance, message: str, props: Mapping[str, Any]) -> Iterator[str]:
    """Message, pretext and text of attachments, and in 11.6 the values of their fields."""
    yield message
    attachments = props.get("attachments")
    for attachment in attachments if isinstance(attachments, list) else ():
        yield attachment.get("pretext", "")
        yield attachment.get("text", "")
        if instance.release.mentions_in_fields:
            for field in attachment.get("fields") or ():
                yield field.get("value") or ""


def _words(text: str) -> list[str]:
    """Split at everything that can be part of neither a mention nor an emoji."""
    kept = (c if c in ":.-_@" or unicodedata.category(c)[0] in "LN" else " " for c in text)
    return "".join(kept).split(" ")


def _in_word(word: str, keywords: set[str]) -> Iterator[str]:
    """The mention a word is, with or without trailing punctuation, or those between its punctuation."""
    if not word or (word[0] == ":" and word[-1] == ":"):
        return
    word = word.lower().lstrip(":.-_")
    candidate = word
    while candidate not in keywords and candidate and candidate[-1] in ":.-_":
        candidate = candidate[:-1]
    if candidate in keywords:
        yield candidate
    elif not word.startswith("@"):
        yield from (part for part in _SEPARATORS.split(word) if part in keywords)
