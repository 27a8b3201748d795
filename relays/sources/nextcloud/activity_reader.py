"""Reads the activity of an account on from where it was read before, each row once.

So no row can explain two things that happened to a document. How far that is belongs to what is known of the documents,
and is stored with it.
"""

import time
from collections.abc import Callable, Iterable

from relays.sources.nextcloud.activity import Activity, Actor, Deed, LostError
from relays.sources.nextcloud.cloud import Account, Cloud
from relays.storage.engine import Database
from relays.storage.store import Store

# People may change the name that is shown of them.
_NAME_SECONDS = 60.0
_MOST_PAGES = 50


class ActivityReader:
    """Of the activity of the account that `cloud` is asked as, by one thread; what is read goes to `put`."""

    def __init__(
        self, account: Account, cloud: Cloud, store: Store, put: Callable[[Iterable[Deed]], None]
    ) -> None:
        self._account = f"{account.user}@{account.url}"
        self._activity = Activity(cloud)
        self._store = store
        self._put = put
        self._born = time.time()
        self._name = ""
        self._name_until = 0.0
        self.position: int | None = None
        """The row that was read last; None before anything was read."""

    def read(self, beat: Callable[[], None], since: float) -> bool:
        """Read what is new, and say `beat` after each page; whether that is all of it. CloudError.

        Where it begins nothing is known of what was read before, and what was done since then is new.
        """
        if self.position is None:
            self._begin(min(since, self._born))
        assert self.position is not None
        try:
            for count, (position, deeds) in enumerate(self._activity.after(self.position), 1):
                if any(_is_own(each.actor) for each in deeds):
                    self._refresh_own()
                self._put(deeds)
                self.position = position
                beat()
                if count == _MOST_PAGES:
                    return False
        except LostError:
            # Another Nextcloud, or one that was restored. What was done meanwhile has nobody's name.
            self.position = self._activity.begin(0.0)
            self._store.submit(self._forget).result()
        return True

    def save(self, db: Database, position: int) -> None:
        """Have the activity up to a row accounted for."""
        db.execute(
            "INSERT INTO activity_read (account, position) VALUES (?, ?) ON CONFLICT (account) DO UPDATE"
            " SET position = excluded.position WHERE excluded.position > activity_read.position",
            (self._account, position),
        )

    def named(self, actor: Actor) -> Actor:
        """With the name that is shown of an account now."""
        return Actor(actor.account, self._name or actor.account) if _is_own(actor) else actor

    def _begin(self, since: float) -> None:
        rows = self._store.read("SELECT position FROM activity_read WHERE account = ?", (self._account,))
        self.position = rows[0][0] if rows else self._activity.begin(time.time() - since)

    def _refresh_own(self) -> None:
        if time.monotonic() >= self._name_until:
            self._name = self._activity.own_name()
            self._name_until = time.monotonic() + _NAME_SECONDS

    def _forget(self, db: Database) -> None:
        db.execute("DELETE FROM activity_read WHERE account = ?", (self._account,))


def _is_own(actor: Actor) -> bool:
    """Whether it is the account that is asked as: of its own deeds it does not hear who did them."""
    return bool(actor.account) and not actor.name
