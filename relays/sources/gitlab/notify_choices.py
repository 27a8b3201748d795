"""What people have chosen to hear of in person, and when: in the chat, kept in the relay's store, over the site's word.

    person       by their name in Mattermost
    things       what they want to hear of (wishes.Thing), separated by spaces; `site`: whatever the site says
    quiet        times of day between which nothing is sent, such as `19:00-08:00`; empty: none
    weekends     `on`, or `off`: nothing is sent on Saturdays and Sundays
    timezone     of these times
    chosen_at    when they chose last

What is not wanted is dropped. What comes at a quiet time waits until that is over. Where the clocks change, a quiet
time begins when they show that first and ends when they show that last (relays.base.clocks).
"""

import re
from collections.abc import Collection
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from relays.base.clocks import moment_of
from relays.sources.gitlab.wishes import THINGS
from relays.storage.engine import Database, Readable

AS_THE_SITE = "site"
# Who chooses is a user of Mattermost.
MOST = 10_000
_QUIET = re.compile(r"((?:[01][0-9]|2[0-3]):[0-5][0-9])-((?:[01][0-9]|2[0-3]):[0-5][0-9])")
_SATURDAY = 5


class NotifyChoice(NamedTuple):
    """What one person has chosen."""

    person: str
    things: str
    quiet: str
    weekends: str
    timezone: str
    chosen_at: float

    def wanted(self) -> Collection[str] | None:
        """What they want to hear of; None where that is for the site to say."""
        return None if self.things == AS_THE_SITE else self.things.split()

    def quiet_until(self, now: float) -> float:
        """The end of the quiet time that a moment is in; the moment itself if it is in none."""
        zone, free = ZoneInfo(self.timezone), now
        while (ended := self._end_of_quiet(self._end_of_weekend(free, zone), zone)) > free:
            free = ended
        return free

    def _end_of_weekend(self, moment: float, zone: ZoneInfo) -> float:
        day = datetime.fromtimestamp(moment, zone).date()
        if self.weekends != "off" or day.weekday() < _SATURDAY:
            return moment
        return moment_of(day + timedelta(7 - day.weekday()), time(), zone, last=True)

    def _end_of_quiet(self, moment: float, zone: ZoneInfo) -> float:
        found = _QUIET.fullmatch(self.quiet)
        if found is None:
            return moment
        begins, ends = time.fromisoformat(found[1]), time.fromisoformat(found[2])
        today = datetime.fromtimestamp(moment, zone).date()
        for day in (today - timedelta(1), today):
            end = moment_of(day + timedelta(1 if begins > ends else 0), ends, zone, last=True)
            if moment_of(day, begins, zone) <= moment < end:
                return end
        return moment


class TooManyPeopleError(Exception):
    """As many have chosen as may."""


def is_quiet(text: str) -> bool:
    """Whether a text is a quiet time: two different times of day."""
    found = _QUIET.fullmatch(text)
    return found is not None and found[1] != found[2]


def are_things(words: Collection[str]) -> bool:
    """Whether all words are something to hear of."""
    return all(word in THINGS for word in words)


def listed(store: Readable) -> list[NotifyChoice]:
    """Those of all, by their names. StorageError."""
    rows = store.read(
        "SELECT person, things, quiet, weekends, timezone, chosen_at FROM notify_choices ORDER BY person", ()
    )
    return [NotifyChoice(*row) for row in rows]


def of(db: Database, person: str) -> NotifyChoice | None:
    """That of one person, if there is one."""
    row = db.execute(
        "SELECT person, things, quiet, weekends, timezone, chosen_at FROM notify_choices WHERE person = ?",
        (person,),
    ).fetchone()
    return row and NotifyChoice(*row)


def are_any(db: Database) -> bool:
    """Whether anybody has chosen."""
    return bool(db.execute("SELECT 1 FROM notify_choices LIMIT 1").fetchall())


def put(db: Database, new: NotifyChoice) -> None:
    """Have a choice in the place of the one of the same person, and what waits looked at again. TooManyPeopleError."""
    ((others,),) = db.execute(
        "SELECT count(*) FROM notify_choices WHERE person <> ?", (new.person,)
    ).fetchall()
    if others >= MOST:
        raise TooManyPeopleError
    db.execute(
        "INSERT INTO notify_choices (person, things, quiet, weekends, timezone, chosen_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (person) DO UPDATE SET things = excluded.things, quiet = excluded.quiet,"
        " weekends = excluded.weekends, timezone = excluded.timezone, chosen_at = excluded.chosen_at",
        new,
    )
    _let_go(db)


def remove(db: Database, person: str) -> None:
    """Have it as the site says again."""
    db.execute("DELETE FROM notify_choices WHERE person = ?", (person,))
    _let_go(db)


def _let_go(db: Database) -> None:
    # Whose they are is not known here; those of others will wait again.
    db.execute("UPDATE direct_messages SET due_at = 0 WHERE due_at > 0")
