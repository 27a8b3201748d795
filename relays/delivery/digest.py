"""Digests: one post in the place of many, for a channel that is behind, so that an outage ends without a flood.

A channel is behind when `digest_from` notifications wait and something holds them up: Mattermost did not take the
first of them (or the relay was killed over it), or that one has waited for half a minute. Five times as many are a
flood whatever the reason, such as a folder of documents that is uploaded at once. It stays behind until fewer than
`digest_from` wait; those that are left then go out as they are.

Normal traffic is never folded: while Mattermost answers, a notification is gone before the next few have come. A
failed attempt counts as well as the time, for a Mattermost that is busy (429) is helped by fewer posts, and because
what was folded when the relay was killed is then folded again instead of coming twice as single messages.

A digest covers notifications of one sender that follow each other, oldest first, one line each.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.wording import Wording

# How long the first notification waits before it counts as held up.
HELD_SECONDS = 30.0
MOST_LINES = 50

_FLOOD = 5
# Mattermost cuts a text after 16,383 characters, anywhere in it (measured on 5.37).
_MOST_CHARACTERS = 14_000
# Mattermost 5.37 takes 7,600 characters of properties (measured there).
_MOST_KEY_CHARACTERS = 6_000
# The heading, and what a line has beside its summary, at their longest.
_HEADING_CHARACTERS = 200
_FRAME_CHARACTERS = 25


@dataclass(frozen=True)
class DigestEntry:
    """A notification as it waits: its row, its message as it would be posted alone, the same in one line.

    A `silent` one only changes the root of its conversation, which is what its message is then. `attempt_at` is the
    time of an attempt of which nobody knows how it ended.
    """

    id: int
    key: str
    message: dict[str, object]
    summary: Markup
    created_at: float
    silent: bool = False
    attempt_at: float | None = None

    @property
    def sender(self) -> dict[str, object]:
        """Whose message it is, as a part of it."""
        return {name: self.message.get(name) for name in ("username", "icon_emoji")}


def threshold(digest_from: int, *, held: bool) -> int:
    """How many notifications must wait for a channel to be behind; `held`: something holds them up."""
    return digest_from if held else digest_from * _FLOOD


def fitting(entries: Sequence[DigestEntry]) -> int:
    """How many of the entries, from the first on, one digest can cover: at least that one."""
    characters, key_characters = _HEADING_CHARACTERS, 0
    for count, entry in enumerate(entries):
        characters += _FRAME_CHARACTERS + len(entry.summary)
        key_characters += len(json.dumps(entry.key)) + 1
        if count and (
            count == MOST_LINES
            or entry.sender != entries[0].sender
            or characters > _MOST_CHARACTERS
            or key_characters > _MOST_KEY_CHARACTERS
        ):
            return count
    return len(entries)


def build(entries: Sequence[DigestEntry], wording: Wording, now: float) -> dict[str, object]:
    """The digest of the entries, as an incoming webhook takes it. `now` is the time, in seconds since the epoch."""
    moments = [datetime.fromtimestamp(entry.created_at) for entry in entries]
    today = datetime.fromtimestamp(now).date()
    # The day is announced only if it is another one.
    form = wording[
        "digest.time" if {moment.date() for moment in moments} == {today} else "digest.day_and_time"
    ]
    times = [Markup(moment.strftime(form)) for moment in moments]
    heading = markup.fill(wording["digest.heading"], count=len(entries), first=times[0], last=times[-1])
    lines = [f"- {time} {entry.summary}" for time, entry in zip(times, entries, strict=True)]
    text = markup.without_slack_links(Markup("\n".join([heading, "", *lines])))
    return {**entries[0].sender, "text": text}
