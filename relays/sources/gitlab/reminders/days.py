"""The days whose reminders have been dealt with, in a table that all relays of a spool share."""

from dataclasses import dataclass
from datetime import date

from relays.storage.engine import Database
from relays.storage.store import Store

# Only today's is looked for.
_KEEP_SECONDS = 14 * 24 * 3600.0


@dataclass(frozen=True)
class Days:
    """The table."""

    store: Store

    def now(self) -> float:
        """Seconds since the epoch, by the clock that all relays of the spool go by."""
        return self.store.now()

    def is_done(self, day: date) -> bool:
        """Whether a day has been dealt with. StorageError."""
        return bool(self.store.read("SELECT day FROM reminded WHERE day = ?", (day.isoformat(),)))

    def take(self, db: Database, day: date) -> bool:
        """Deal with a day in this transaction; False if a relay has done so already."""
        now = self.now()
        db.execute("DELETE FROM reminded WHERE reminded_at < ?", (now - _KEEP_SECONDS,))
        taken = db.execute(
            "INSERT INTO reminded (day, reminded_at) VALUES (?, ?) ON CONFLICT (day) DO NOTHING",
            (day.isoformat(), now),
        )
        return taken.rowcount == 1
