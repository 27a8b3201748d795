"""Buttons on the posts of a bot: signed when the bot posts them, and what Mattermost sends when one is pressed.

Measured on 5.37: a press bears no token, signature or time, and who sends it can write into it whatever they like. What
clients are never shown, not even the author of a post, is the `context` of a button. So that bears a signature over the
action, the channel, the conversation and how long it counts: whoever has not made the button cannot make the press. Who
has pressed is not in it, and is to be asked of Mattermost.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from relays.mattermost import bot_posts
from relays.mattermost.markup import Markup
from relays.mattermost.slash_command import SlashCommand, fitting

# From when on a root was last edited: each edit signs anew.
LIFETIME_SECONDS = 7 * 24 * 3600.0
LONG_LIFETIME_SECONDS = 90 * 24 * 3600.0
"""Of buttons under what may wait for somebody without changing."""
_PURPOSE = b"passerelle buttons"
_ID = re.compile(r"[a-z0-9]{26}")
_POST = re.compile(r"[a-z0-9]{1,26}")
_WORD = re.compile(r"[a-z0-9]{1,64}")
_LINE = re.compile(r".{1,1000}")


class NotAPressError(ValueError):
    """A body that is none of a press's."""


@dataclass(frozen=True)
class Press:
    """Who has pressed what where, as the request says it; `word` is the action and `conversation` what it is about.

    `team` and `channel` are names. None of it counts before the signature does, nor `user_id` even then.
    """

    team: str
    channel: str
    channel_id: str
    user_id: str
    post_id: str
    word: str
    conversation: str
    expires: int
    signature: str = field(repr=False)

    def command(self, words: Sequence[str]) -> SlashCommand:
        """The slash command that asks for the same, as if it were typed in the thread of the post."""
        place = (self.team, self.channel, self.channel_id, self.user_id)
        return SlashCommand(*place, "/passerelle", tuple(words), root_id=self.post_id)


class Signer:
    """Signs buttons, and knows its own again. `url` is where Mattermost sends presses.

    `secrets` are those of the slash command, the first of which signs while all of them are known again: a rotation
    ends what was signed by those that are gone. `lifetime` is how many seconds a button counts.
    """

    def __init__(
        self,
        url: str,
        secrets: Sequence[str],
        clock: Callable[[], float] = time.time,
        lifetime: float = LIFETIME_SECONDS,
    ) -> None:
        self._url = url
        self.lifetime = lifetime
        self._keys = [hmac.digest(each.encode(), _PURPOSE, hashlib.sha256) for each in secrets]
        self._clock = clock

    def signed(self, message: Mapping[str, object], channel_id: str) -> Mapping[str, object]:
        """The message with its buttons signed for this channel."""

        def sign(action: Mapping[str, Any]) -> dict[str, object]:
            about = str(action["integration"]["context"]["conversation"])
            until = int(self._clock() + self.lifetime)
            context = {
                "action": action["id"],
                "conversation": about,
                "expires": until,
                "signature": _signature(self._keys[0], str(action["id"]), channel_id, about, until),
            }
            return {**action, "integration": {"url": self._url, "context": context}}

        return _with_actions(message, lambda actions: [sign(each) for each in actions])

    @property
    def key_id(self) -> str:
        """Which key signs; it does not help to sign."""
        return hashlib.sha256(self._keys[0]).hexdigest()[:16]

    def knows(self, press: Press) -> bool:
        """Whether a press is of a button that was signed for the channel that it comes from."""
        said = (press.word, press.channel_id, press.conversation, press.expires)
        # All are compared, so that the time taken does not show which one it was.
        equal = [hmac.compare_digest(press.signature, _signature(key, *said)) for key in self._keys]
        return any(equal)

    def is_over(self, press: Press) -> bool:
        """Whether a button has been there for too long."""
        return press.expires <= self._clock()


def without_buttons(message: Mapping[str, object]) -> Mapping[str, object]:
    """The message for those who cannot sign buttons, or may not."""
    return _with_actions(message, lambda actions: [])


def _with_actions(
    message: Mapping[str, object],
    change: Callable[[Sequence[Mapping[str, Any]]], Sequence[Mapping[str, object]]],
) -> Mapping[str, object]:
    boxes = message.get("attachments")
    if not isinstance(boxes, list) or not any(box.get("actions") for box in boxes):
        return message
    changed = [{**box, "actions": list(change(box.get("actions") or []))} for box in boxes]
    return {
        **message,
        "attachments": [{k: v for k, v in box.items() if k != "actions" or v} for box in changed],
    }


def _signature(key: bytes, action: str, channel_id: str, conversation: str, expires: int) -> str:
    said = json.dumps([action, channel_id, conversation, expires]).encode()
    return hmac.new(key, said, hashlib.sha256).hexdigest()


def read_press(body: bytes) -> Press:
    """The press that a request is. NotAPressError."""
    found = bot_posts.parse(body)
    context = found.get("context") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(context, dict):
        raise NotAPressError
    expires = context.get("expires")
    if type(expires) is not int:
        raise NotAPressError
    return Press(
        team=str(found.get("team_domain") or ""),
        channel=str(found.get("channel_name") or ""),
        channel_id=_text(found, "channel_id", _ID),
        user_id=_text(found, "user_id", _ID),
        post_id=_text(found, "post_id", _POST),
        word=_text(context, "action", _WORD),
        conversation=_text(context, "conversation", _LINE),
        expires=expires,
        signature=_text(context, "signature", _WORD),
    )


def _text(found: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise NotAPressError
    return value


def answer(text: Markup) -> bytes:
    """The body of an answer that who has pressed alone sees; the post stays as it is."""
    return json.dumps(
        {"ephemeral_text": fitting(text), "skip_slack_parsing": True}, ensure_ascii=False
    ).encode()
