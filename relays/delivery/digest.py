"""Digests: one post in the place of many, for a channel that is behind, so that an outage ends without a flood.

A channel is behind when `digest_from` notifications wait and something holds them up: Mattermost did not take the
first of them (or the relay was killed over it), or that one has waited for half a minute. Five times as many are a
flood whatever the reason, such as a folder of documents that is uploaded at once. It stays behind until fewer than
`digest_from` wait; those that are left then go out as they are.

Normal traffic is never folded: while Mattermost answers, a notification is gone before the next few have come. A
failed attempt counts as well as the time, for a Mattermost that is busy (429) is helped by fewer posts, and because
what was folded when the relay was killed is then folded again instead of coming twice as single messages.

A digest covers notifications of one sender that follow each other, oldest first, one line each. In the digest of a
channel that a bot makes (relays.delivery.leases) they stand below the conversation that they belong to, each once, with
how it stands by now.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from relays.delivery.conversation import Conversation
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

    A `silent` one only changes the root of its `conversation`, which is what its message is then. `attempt_at` is the
    time of an attempt of which nobody knows how it ended.
    """

    id: int
    key: str
    message: dict[str, object]
    summary: Markup
    created_at: float
    silent: bool = False
    attempt_at: float | None = None
    conversation: str = ""

    @property
    def sender(self) -> dict[str, object]:
        """Whose message it is, as a part of it."""
        return {name: self.message.get(name) for name in ("username", "icon_emoji")}


Threads = Mapping[str, Conversation]
"""The conversations that have something to say in the digest of a channel, by their names."""
NO_THREADS: Threads = MappingProxyType({})


def threshold(digest_from: int, *, held: bool) -> int:
    """How many notifications must wait for a channel to be behind; `held`: something holds them up."""
    return digest_from if held else digest_from * _FLOOD


def said(entries: Sequence[DigestEntry], threads: Threads = NO_THREADS) -> list[DigestEntry]:
    """The entries that a post has to say something of.

    What only changes a root is one where there is no root, unless a digest has said already how things stand.
    """
    return [entries[place] for place in _places(entries, threads)]


def _places(entries: Sequence[DigestEntry], threads: Threads) -> Iterator[int]:
    """Where among the entries those stand that something has to be said of."""
    named: set[str] = set()
    for place, entry in enumerate(entries):
        thread = threads.get(entry.conversation)
        if not entry.silent or (thread is not None and thread.is_unseen and thread.name not in named):
            named.add(entry.conversation)
            yield place


def fitting(entries: Sequence[DigestEntry], threads: Threads = NO_THREADS) -> int:
    """How many of the entries, from the first on, one digest can cover: at least the first of which it says something.

    With `threads`, of the digest of a channel in which these conversations have something to say.
    """
    characters, key_characters = _HEADING_CHARACTERS, 0
    named: set[str] = set()
    places = list(_places(entries, threads))
    for count, place in enumerate(places):
        entry = entries[place]
        characters += _FRAME_CHARACTERS + len(entry.summary)
        if entry.conversation in threads and entry.conversation not in named:
            named.add(entry.conversation)
            characters += _FRAME_CHARACTERS + len(threads[entry.conversation].summary)
        key_characters += len(json.dumps(entry.key)) + 1
        if count and (
            count == MOST_LINES
            or entry.sender != entries[places[0]].sender
            or characters > _MOST_CHARACTERS
            or key_characters > _MOST_KEY_CHARACTERS
        ):
            return place
    return len(entries)


def build(
    entries: Sequence[DigestEntry], wording: Wording, now: float, threads: Threads = NO_THREADS
) -> dict[str, object]:
    """The digest of the entries, as an incoming webhook takes it. `now` is the time, in seconds since the epoch.

    With `threads`, what these conversations have to say stands below them.
    """
    moments = [datetime.fromtimestamp(entry.created_at) for entry in entries]
    today = datetime.fromtimestamp(now).date()
    # The day is announced only if it is another one.
    form = wording[
        "digest.time" if {moment.date() for moment in moments} == {today} else "digest.day_and_time"
    ]
    times = [Markup(moment.strftime(form)) for moment in moments]
    lines = {entry.id: f"- {time} {entry.summary}" for entry, time in zip(entries, times, strict=True)}
    heading = markup.fill(wording["digest.heading"], count=len(entries), first=times[0], last=times[-1])
    head = [heading, ""] if len(entries) > 1 else []
    text = markup.without_slack_links(Markup("\n".join([*head, *_by_thread(entries, lines, threads)])))
    return {**entries[0].sender, "text": text}


def _by_thread(entries: Sequence[DigestEntry], lines: Mapping[int, str], threads: Threads) -> Iterator[str]:
    """The lines of the entries, those of each conversation in the place of its first one."""
    below: dict[str, list[str]] = {}
    for entry in entries:
        if entry.conversation in threads and not entry.silent:
            below.setdefault(entry.conversation, []).append(lines[entry.id])
    named: set[str] = set()
    for entry in entries:
        thread = threads.get(entry.conversation)
        if thread is None:
            yield lines[entry.id]
        elif entry.conversation not in named:
            named.add(entry.conversation)
            yield f"- {thread.summary}"
            yield from (f"    {line}" for line in below.get(entry.conversation, ()))
