"""Where subscriptions are stored, with their channels and with what was found out of who could read what.

subscriptions          what channels have subscribed to
subscribed_channels    these channels, by their numbers, as they were last seen
subscription_access    whether a project may be announced in a channel, why not, and for which visibility
"""

from collections.abc import Sequence
from typing import NamedTuple

from relays.mattermost.bot import by_id, id_in
from relays.sources.gitlab.subscriptions.subscription import Place, Subscription
from relays.storage.engine import Database, Readable

# Who asks for more wants a route.
MOST = 30
# Each is a line of the dispatcher.
MOST_CHANNELS = 100
_COLUMNS = "id, channel_id, target, conditions, chosen_by, chosen_at"


class Access(NamedTuple):
    """Whether a project may be announced in a channel, found out at a moment, when it had this visibility in GitLab.

    `refusal` is why not, in a word; empty if it may be. `is_open`: everybody may read it.
    """

    channel_id: str
    project: str
    refusal: str
    is_open: bool
    level: int
    checked_at: float


class TooManyError(Exception):
    """A channel has as many as it may have, or there are as many channels as there may be."""


def listed(store: Readable) -> list[Subscription]:
    """All of them, in the order in which they were made. StorageError."""
    rows = store.read(f"SELECT {_COLUMNS} FROM subscriptions ORDER BY id")
    return [Subscription(*row) for row in rows]


def names(store: Readable) -> dict[str, str]:
    """Which channel each name means that the site's settings lead to, by its number, as far as that is known."""
    return dict(store.read("SELECT channel, channel_id FROM channel_ids ORDER BY since"))


def places(store: Readable) -> dict[str, Place]:
    """The channels, by their numbers. StorageError."""
    rows = store.read("SELECT channel_id, name, state FROM subscribed_channels")
    return {row[0]: Place(*row) for row in rows}


def name_of(store: Readable, channel: str) -> str:
    """What people call a channel of the outbox, which may be there by its number: as it is there if nobody knows.

    A name that the site's settings have for another channel would say the wrong one. StorageError.
    """
    channel_id = id_in(channel)
    if not channel_id:
        return channel
    rows = store.read(
        "SELECT channel FROM channel_ids WHERE channel_id = ? UNION ALL"
        " SELECT name FROM subscribed_channels WHERE channel_id = ? AND name <> ''"
        " AND name NOT IN (SELECT channel FROM channel_ids)",
        (channel_id, channel_id),
    )
    return str(rows[0][0]) if rows else channel


def access(store: Readable) -> dict[tuple[str, str], Access]:
    """What was found out, by channel and project. StorageError."""
    rows = store.read(
        "SELECT channel_id, project, refusal, is_open, level, checked_at FROM subscription_access"
    )
    return {(row[0], row[1]): Access(*row) for row in rows}


def put(db: Database, new: Subscription, place: Place) -> bool:
    """Have a subscription; whether there was none like it. TooManyError."""
    ((others,),) = db.execute(
        "SELECT count(*) FROM subscriptions WHERE channel_id = ? AND NOT (target = ? AND conditions = ?)",
        (new.channel_id, new.target, new.conditions),
    ).fetchall()
    ((channels,),) = db.execute(
        "SELECT count(DISTINCT channel_id) FROM subscriptions WHERE channel_id <> ?", (new.channel_id,)
    ).fetchall()
    if others >= MOST or channels >= MOST_CHANNELS:
        raise TooManyError
    keep_place(db, place, new.chosen_at)
    inserted = db.execute(
        "INSERT INTO subscriptions (channel_id, target, conditions, chosen_by, chosen_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (channel_id, target, conditions) DO NOTHING",
        new[1:],
    )
    return inserted.rowcount == 1


def end(db: Database, numbers: Sequence[int]) -> int:
    """End subscriptions; how many there were."""
    ended = sum(
        db.execute("DELETE FROM subscriptions WHERE id = ?", (number,)).rowcount for number in numbers
    )
    tidy(db)
    return ended


def tidy(db: Database) -> None:
    """Forget channels without a subscription; not what one is called that messages wait or are put aside for."""
    gone = "channel_id NOT IN (SELECT channel_id FROM subscriptions)"
    db.execute(f"DELETE FROM subscription_access WHERE {gone}")
    db.execute(
        f"DELETE FROM subscribed_channels WHERE {gone} AND NOT EXISTS (SELECT 1 FROM outbox"
        " WHERE outbox.channel = ? || subscribed_channels.channel_id AND outbox.state IN ('ready', 'parked'))",
        (by_id(""),),
    )


def keep_place(db: Database, place: Place, seen_at: float) -> None:
    """Note how a channel is; what is silent in it goes on being so under its new name."""
    db.execute(
        "UPDATE silences SET channel = ? WHERE channel = (SELECT name FROM subscribed_channels WHERE channel_id = ?)"
        " AND NOT EXISTS (SELECT 1 FROM silences other WHERE other.channel = ? AND other.target = silences.target)",
        (place.name, place.channel_id, place.name),
    )
    db.execute(
        "INSERT INTO subscribed_channels (channel_id, name, state, seen_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (channel_id) DO UPDATE SET name = excluded.name, state = excluded.state,"
        " seen_at = excluded.seen_at",
        (*place, seen_at),
    )


def refusals(db: Database, channel_id: str) -> dict[str, str]:
    """Why each project that was found out about may not be announced in a channel, empty for one that may."""
    rows = db.execute("SELECT project, refusal FROM subscription_access WHERE channel_id = ?", (channel_id,))
    return dict(rows.fetchall())


def has_others(db: Database, channel_id: str, numbers: Sequence[int]) -> bool:
    """Whether a channel has subscriptions beside these."""
    found = db.execute("SELECT id FROM subscriptions WHERE channel_id = ?", (channel_id,))
    return not {number for (number,) in found.fetchall()}.issubset(numbers)


def replace_access(db: Database, channel_id: str, found: Sequence[Access], before: float) -> None:
    """Note what was found out of a channel; what else was known of it `before` that moment is not so any more."""
    db.execute(
        "DELETE FROM subscription_access WHERE channel_id = ? AND checked_at < ?", (channel_id, before)
    )
    keep_access(db, found)
    tidy(db)


def keep_access(db: Database, found: Sequence[Access]) -> None:
    """Note what was found out."""
    for each in found:
        db.execute(
            "INSERT INTO subscription_access (channel_id, project, refusal, is_open, level, checked_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (channel_id, project) DO UPDATE SET"
            " refusal = excluded.refusal, is_open = excluded.is_open, level = excluded.level,"
            " checked_at = excluded.checked_at",
            each,
        )
