"""Messages as posts of a bot, and what the answers of Mattermost say of posts.

An incoming webhook turns its fields into properties of the post; a bot writes the properties itself. A change replaces
all of them, so they are made whole each time (measured on 5.37, read in 11.6).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# The property of a post that holds its delivery key, and of a digest that holds those of all that it covers, in
# their order. Mattermost keeps the properties that it does not know.
KEY_PROPERTY = "passerelle_key"
KEYS_PROPERTY = "passerelle_keys"


@dataclass(frozen=True)
class Posted:
    """A post as Mattermost has it: the delivery keys that it covers, and the root if it is a reply.

    `is_digest`: its keys are those of a digest. The root of a conversation is none, whatever it covers.
    """

    id: str
    channel_id: str
    keys: frozenset[str]
    root_id: str
    create_at: int
    is_digest: bool


def key_properties(keys: Sequence[str], *, is_digest: bool = False) -> dict[str, object]:
    """The properties by which a post is found again; that of several is a digest."""
    return {KEYS_PROPERTY: list(keys)} if is_digest or len(keys) > 1 else {KEY_PROPERTY: keys[0]}


def properties(
    message: Mapping[str, object], keys: Sequence[str], *, is_digest: bool = False
) -> dict[str, object]:
    """All properties of a post, of a message as a webhook takes it."""
    # Shown as that of a webhook: with the name and the icon that it gives itself.
    made: dict[str, object] = {"from_bot": "true", "from_webhook": "true"}
    for field, name in (("username", "username"), ("icon_emoji", "icon_emoji"), ("icon_url", "icon_url")):
        if message.get(field):
            made[f"override_{name}"] = message[field]
    if message.get("attachments"):
        made["attachments"] = message["attachments"]
    return {**made, **key_properties(keys, is_digest=is_digest)}


def text_of(message: Mapping[str, object]) -> str:
    """The text of a post, of a message as a webhook takes it."""
    return str(message.get("text") or "")


def parse(content: bytes) -> Any:
    """What an answer holds; None if that is no JSON."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def posted(found: object) -> Posted | None:
    """A post as an answer describes it; None if it is none."""
    if not isinstance(found, dict) or not isinstance(found.get("id"), str):
        return None
    stored = found.get("props")
    stored = stored if isinstance(stored, dict) else {}
    several = stored.get(KEYS_PROPERTY)
    keys = several if isinstance(several, list) else [stored.get(KEY_PROPERTY)]
    at = found.get("create_at")
    return Posted(
        found["id"],
        str(found.get("channel_id")),
        frozenset(key for key in keys if isinstance(key, str)),
        str(found.get("root_id") or ""),
        at if isinstance(at, int) else 0,
        isinstance(several, list),
    )
