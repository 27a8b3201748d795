"""Deliveries that are held back for a moment, because what belongs to them may be on its way.

A row of `held` holds back the deliveries of its key in `received` until `run_at`, for its `act`. What is held is
stored like everything that waits: a kill loses nothing, and the next process announces it when its time has come.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from relays.storage.engine import Database
from relays.storage.store import Store

# How long a follower waits for its leader: GitLab sends both within a second or two.
LEADER_SECONDS = 5.0
# What a review consists of comes within moments of each other, and goes on coming for as long as there are comments.
PART_SECONDS = 2.0
REVIEW_SECONDS = 10.0
LONGEST_SECONDS = max(LEADER_SECONDS, REVIEW_SECONDS)
_KEEP_SECONDS = 3600.0


@dataclass(frozen=True)
class DelayedDeliveries:
    """The table."""

    store: Store

    def hold(self, db: Database, key: str, act: str) -> None:
        """Hold a delivery back until the leader of its act comes, for LEADER_SECONDS at most."""
        until = self.store.now() + LEADER_SECONDS
        self._insert(db, key, act, until, until)

    def gather(self, db: Database, key: str, act: str) -> None:
        """Hold a delivery back with the others of its act, all of them until PART_SECONDS have passed without one."""
        now = self.store.now()
        ((first,),) = db.execute("SELECT min(until) FROM held WHERE act = ?", (act,)).fetchall()
        until = now + REVIEW_SECONDS if first is None else first
        run_at = min(now + PART_SECONDS, until)
        db.execute("UPDATE held SET run_at = ? WHERE act = ?", (run_at, act))
        self._insert(db, key, act, run_at, until)

    def follow(self, db: Database, key: str, acts: str) -> bool:
        """Have what is held back for acts that begin so announced now, and a delivery after it; False if nothing is.

        What is gathered for these acts from now on does not delay them any more.
        """
        of_these, now = "substr(act, 1, ?) = ?", self.store.now()
        beginning = (len(acts), acts)
        if not db.execute(f"SELECT 1 FROM held WHERE {of_these} LIMIT 1", beginning).fetchall():  # noqa: S608
            return False
        db.execute(
            f"UPDATE held SET run_at = ?, until = ? WHERE {of_these}",  # noqa: S608
            (now, now, *beginning),
        )
        # What is due is announced in the order in which it came.
        self._insert(db, key, f"after {acts}", now, now)
        return True

    def is_held(self, db: Database, key: str) -> bool:
        """Whether a delivery is held back, by whichever relay."""
        return bool(db.execute("SELECT 1 FROM held WHERE delivery_key = ?", (key,)).fetchall())

    def let_go(self, db: Database, acts: Sequence[str]) -> None:
        """The leader of these acts is there: what waits for it need not wait any longer."""
        if acts:
            marks = ", ".join("?" * len(acts))
            db.execute(
                f"UPDATE held SET run_at = ? WHERE act IN ({marks})",  # noqa: S608
                (self.store.now(), *acts),
            )

    def release(self, db: Database, key: str) -> None:
        """The delivery is announced."""
        db.execute("DELETE FROM held WHERE delivery_key = ?", (key,))

    def forget(self, db: Database) -> None:
        """Remove what a release that knows nothing of it has announced meanwhile."""
        db.execute("DELETE FROM held WHERE until < ?", (self.store.now() - _KEEP_SECONDS,))

    def _insert(self, db: Database, key: str, act: str, run_at: float, until: float) -> None:
        db.execute(
            "INSERT INTO held (delivery_key, act, run_at, until) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (delivery_key) DO NOTHING",
            (key, act, run_at, until),
        )
