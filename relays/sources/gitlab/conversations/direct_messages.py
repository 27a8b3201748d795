"""Direct messages to people: noted in the transaction that takes the event, sent once it is known who they are.

Who somebody is takes a question to Mattermost, which nothing else waits for. Whoever is nobody there gets none, and
neither is whoever cannot be found for LONGEST_SECONDS because Mattermost does not answer: their channel says it too.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from relays.base.worker import Worker
from relays.delivery.outbox import Notification, Outbox
from relays.mattermost.directory import NoAnswerError
from relays.mattermost.markup import Markup
from relays.mattermost.message import Message
from relays.sources.gitlab.conversations.identities import Identities
from relays.sources.gitlab.conversations.notices import Notice
from relays.sources.gitlab.events.common import ICON, USERNAME
from relays.sources.gitlab.wishes import Wishes, wants
from relays.storage.engine import Database, StorageError
from relays.storage.store import Store

log = logging.getLogger(__name__)

LONGEST_SECONDS = 3600.0
_LOOK_SECONDS = 1.0
_AT_ONCE = 50
# Of those who need not be written to, so many are looked for before it is seen who does.
_LOOKED_FOR_AT_ONCE = 20
_TIMEOUT_SECONDS = 120.0


class Noted(NamedTuple):
    """A notice that waits until it is known who it is for."""

    row: int
    notice: str
    user: str
    email: str
    text: str
    noted_at: float


@dataclass(frozen=True)
class DirectMessages:
    """The table, and what people want to be in it."""

    store: Store
    wishes: Wishes = field(default_factory=dict)

    def put(self, db: Database, key: str, notices: Iterable[Notice]) -> None:
        """Note what is to be said because of the delivery of this key, to those who want to hear of it."""
        for each in notices:
            if not wants(self.wishes, each.user, each.thing):
                continue
            db.execute(
                "INSERT INTO direct_messages (notice, username, email, text, noted_at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (notice) DO NOTHING",
                (f"{key} {each.thing} {each.user}", each.user, each.email, each.text, self.store.now()),
            )

    def waiting(self) -> list[Noted]:
        """The oldest that wait. StorageError."""
        rows = self.store.read(
            "SELECT id, notice, username, email, text, noted_at FROM direct_messages ORDER BY id LIMIT ?",
            (_AT_ONCE,),
        )
        return [Noted(*row) for row in rows]

    def take(self, db: Database, row: int) -> bool:
        """Take one away; False if another relay has done so already."""
        return db.execute("DELETE FROM direct_messages WHERE id = ?", (row,)).rowcount == 1


class DirectMessenger(Worker):
    """Sends what waits, until `stop`; `missing` hears who is nobody in Mattermost, whenever that is looked at."""

    def __init__(
        self,
        table: DirectMessages,
        outbox: Outbox,
        identities: Identities,
        missing: Callable[[Sequence[str]], None] = lambda names: None,
    ) -> None:
        super().__init__("direct messages", _TIMEOUT_SECONDS)
        self._table = table
        self._outbox = outbox
        self._identities = identities
        self._missing = missing
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def work(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            self.beat()
            try:
                self.turn()
            except StorageError:
                continue
            self._missing(self._identities.missing())

    def turn(self) -> None:
        """Send what waits, as far as it can be found whom it is for. StorageError."""
        for noted in self._table.waiting():
            if self._stopping.is_set():
                return
            self.beat()
            try:
                name = self._identities.find(noted.user, noted.email)
            except NoAnswerError:
                if self._table.store.now() - noted.noted_at < LONGEST_SECONDS:
                    return
                name = None
            self._outbox.put(self._sending(noted, name)).result()
        try:
            for _ in range(_LOOKED_FOR_AT_ONCE):
                self.beat()
                if self._stopping.is_set() or not self._identities.look():
                    return
        except NoAnswerError:
            return

    def _sending(self, noted: Noted, name: str | None) -> Callable[[Database], Sequence[Notification]]:
        text = Markup(noted.text)
        message = Message(USERNAME, ICON, summary=Markup(text.partition("\n")[0]), text=text)

        def take(db: Database) -> Sequence[Notification]:
            if not self._table.take(db, noted.row) or name is None:
                return ()
            return [Notification(noted.notice, f"@{name}", message)]

        return take
