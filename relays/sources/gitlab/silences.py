"""What people do not want to hear of for a while in a channel: chosen in the chat, kept in the relay's store.

    channel      where nothing is said
    target       of what: everything (''), a project (`taaf/passerelle`), or what has a number in it
                 (`taaf/passerelle!12`, `taaf/passerelle#7`); in lower case, for case does not matter in GitLab's paths
    until        until when, by the clock of the store
    chosen_by    who has chosen it, by their name in Mattermost, and `chosen_at` when

With a merge request or an issue all that belongs to its thread is silent: pushes to its branch and the pipelines that
run there as well, and the push that its merge makes (relays.sources.gitlab.outcome). A silence takes away and never
adds: what it leaves out is left out of that channel alone, and noted as such. The root of a conversation is edited all
the same, for an edit calls nobody.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from relays.sources.gitlab.channel_events import SIGNS, numbered
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.events import find_kind
from relays.sources.gitlab.merge_requests import MergeRequests
from relays.storage.engine import Database, Readable
from relays.storage.store import Store

LONGEST_SECONDS = 7 * 24 * 3600.0
# Who asks for more wants a route.
MOST = 50
_TARGET = re.compile(r"(?=.{1,255}\Z)[\w.+-]+(/[\w.+-]+)+([!#][0-9]{1,12})?", re.ASCII)


class Silence(NamedTuple):
    """One of them."""

    channel: str
    target: str
    until: float
    chosen_by: str
    chosen_at: float


class TooManyError(Exception):
    """A channel has as many as it may have."""


def is_target(text: str) -> bool:
    """Whether something may be called so: a project by its full path, or with the number of something in it."""
    return _TARGET.fullmatch(text) is not None


def listed(store: Readable, now: float) -> list[Silence]:
    """All that are not over, by channel and target. StorageError."""
    rows = store.read(
        "SELECT channel, target, until, chosen_by, chosen_at FROM silences WHERE until > ? ORDER BY channel, target",
        (now,),
    )
    return [Silence(*row) for row in rows]


def put(db: Database, new: Silence) -> Silence | None:
    """Have a silence in the place of the one of the same channel and target, if that is not over. TooManyError."""
    new = new._replace(target=new.target.lower())
    # Those that are over may still be there, where nothing has happened since.
    ((others,),) = db.execute(
        "SELECT count(*) FROM silences WHERE channel = ? AND target <> ? AND until > ?",
        (new.channel, new.target, new.chosen_at),
    ).fetchall()
    if others >= MOST:
        raise TooManyError
    before = db.execute(
        "SELECT channel, target, until, chosen_by, chosen_at FROM silences"
        " WHERE channel = ? AND target = ? AND until > ?",
        (new.channel, new.target, new.chosen_at),
    ).fetchone()
    db.execute(
        "INSERT INTO silences (channel, target, until, chosen_by, chosen_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (channel, target) DO UPDATE SET until = excluded.until, chosen_by = excluded.chosen_by,"
        " chosen_at = excluded.chosen_at",
        new,
    )
    return before and Silence(*before)


def end(db: Database, channel: str, target: str) -> bool:
    """End a silence; whether there was one."""
    given = (channel, target.lower())
    return db.execute("DELETE FROM silences WHERE channel = ? AND target = ?", given).rowcount > 0


class Silences:
    """The table, and the merge requests by which it is known what belongs to one.

    `name_of` says how a channel is called that is meant by its number.
    """

    def __init__(self, store: Store, name_of: Callable[[str], str] = str) -> None:
        self._store = store
        self._name_of = name_of
        self._merge_requests = MergeRequests(store)

    def silenced(self, db: Database, channels: Collection[str], events: Iterable[Event]) -> Sequence[str]:
        """Those of the channels in which nothing is said of any of these events now."""
        if not channels:
            return []
        names = {channel: self._name_of(channel) for channel in channels}
        marks = ", ".join("?" * len(names))
        rows = db.execute(
            "SELECT channel, target, until, chosen_by, chosen_at FROM silences"  # noqa: S608
            f" WHERE until > ? AND channel IN ({marks})",
            (self._store.now(), *names.values()),
        ).fetchall()
        if not rows:
            return []
        known = [self._names(db, event) for event in events]
        found = map(Silence._make, rows)
        silent = {each.channel for each in found if all(each.target in of for of in known)}
        return [channel for channel, name in names.items() if name in silent]

    def _names(self, db: Database, event: Event) -> Collection[str]:
        """All that an event is part of, as a silence calls it."""
        names = {"", event.project, f"{event.project}{numbered(event)}"}
        kind = find_kind(event.payload)
        said = kind and kind.contribution(event.payload, event.project, event.actions)
        if said:
            of, project, name = self._merge_requests.place_of(db, said)
            names |= {project, f"{project}{SIGNS[of]}{name}"} if of in SIGNS else set()
        return {name.lower() for name in names}

    def forget(self, db: Database) -> None:
        """Remove those that are over."""
        db.execute("DELETE FROM silences WHERE until <= ?", (self._store.now(),))
