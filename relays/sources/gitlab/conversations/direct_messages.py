"""Direct messages to people: noted in the transaction that takes the event, sent once it is known who they are.

Who somebody is takes a question to Mattermost, which nothing else waits for. What they have chosen in the chat
(notify_choices) goes before what the site says of them: it is dropped, or it waits for the end of their quiet time.
Whoever is nobody there gets none, and neither is whoever cannot be found for LONGEST_SECONDS because Mattermost does
not answer: their channel says it too.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from relays.base.worker import Worker
from relays.delivery.outbox import Notification, Outbox
from relays.mattermost.directory import NoAnswerError
from relays.mattermost.markup import Markup
from relays.mattermost.message import Message
from relays.sources.gitlab import notify_choices
from relays.sources.gitlab.conversations.identities import Identities
from relays.sources.gitlab.conversations.notices import Notice
from relays.sources.gitlab.events.common import ICON, USERNAME
from relays.sources.gitlab.wishes import THINGS, Wishes, wants
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
    """A notice that waits until it is known who it is for, and until they want to hear of it (`due_at`)."""

    row: int
    notice: str
    user: str
    email: str
    text: str
    noted_at: float
    thing: str
    due_at: float


@dataclass(frozen=True)
class DirectMessages:
    """The table, and what the site says that people want to hear of; with `choosing` they may choose in the chat."""

    store: Store
    wishes: Wishes = field(default_factory=dict)
    choosing: bool = False

    def put(self, db: Database, key: str, notices: Iterable[Notice]) -> None:
        """Note what is to be said because of the delivery of this key, to those who may want to hear of it."""
        chosen = self.choosing and notify_choices.are_any(db)
        for each in notices:
            if not chosen and not wants(self.wishes, each.user, each.thing):
                continue
            notice = f"{key} {each.thing} {each.user}"
            db.execute(
                "INSERT INTO direct_messages (notice, username, email, text, noted_at, thing)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (notice) DO NOTHING",
                (notice, each.user, each.email, each.text, self.store.now(), each.thing),
            )

    def waiting(self) -> list[Noted]:
        """The oldest that wait for nothing but that it is known who they are for. StorageError."""
        rows = self.store.read(
            "SELECT id, notice, username, email, text, noted_at, thing, due_at FROM direct_messages"
            " WHERE due_at <= ? ORDER BY id LIMIT ?",
            (self.store.now(), _AT_ONCE),
        )
        return [Noted(*row) for row in rows]

    def take(self, db: Database, row: int) -> bool:
        """Take one away; False if another relay has done so already."""
        return db.execute("DELETE FROM direct_messages WHERE id = ?", (row,)).rowcount == 1

    def is_for_site(self, noted: Noted) -> bool:
        """Whether the site has them hear of it. What an earlier release has noted, it has wanted."""
        thing = next((each for each in THINGS if each == noted.thing), None)
        return thing is None or wants(self.wishes, noted.user, thing)

    def heard(self, db: Database, noted: Noted, name: str) -> Literal["now", "later", "never"]:
        """When whoever has this name wants to hear of it; if later, it is left to wait until then."""
        choice = notify_choices.of(db, name) if self.choosing else None
        wanted = choice and choice.wanted()
        if not (self.is_for_site(noted) if wanted is None else noted.thing in ("", *wanted)):
            return "never"
        now = self.store.now()
        until = choice.quiet_until(now) if choice else now
        if until <= now:
            return "now"
        db.execute("UPDATE direct_messages SET due_at = ? WHERE id = ?", (until, noted.row))
        return "later"


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
                name = self._identities.find(
                    noted.user, noted.email, has_to_know=self._table.is_for_site(noted)
                )
            except NoAnswerError:
                if self._table.store.now() - max(noted.noted_at, noted.due_at) < LONGEST_SECONDS:
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
            heard = self._table.heard(db, noted, name) if name else "never"
            if heard == "later" or not self._table.take(db, noted.row):
                return ()
            return [Notification(noted.notice, f"@{name}", message)] if heard == "now" else ()

        return take
