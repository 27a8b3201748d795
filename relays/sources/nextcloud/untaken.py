"""What is done about documents that nobody has taken: one reminder in the thread of each, and buttons that count.

A document is reminded of once, after the time that its tree is given, and not if somebody has taken it or it is gone
from the tree by then. That it was is noted with the reminder, in one transaction.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from relays.base.worker import Worker
from relays.delivery.conversation import edit_anew
from relays.delivery.outbox import Notification, Outbox
from relays.mattermost import markup
from relays.mattermost.buttons import Signer
from relays.mattermost.message import Message
from relays.sources.nextcloud import document
from relays.sources.nextcloud.options import TreeOptions
from relays.sources.nextcloud.taking import is_there
from relays.storage.engine import Database, StorageError
from relays.storage.store import Store
from relays.wording import Wording, age

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
_PRUNE_SECONDS = 3600.0
_AT_ONCE = 100
_TIMEOUT_SECONDS = 120.0


class Untaken(Worker):
    """Looks after the documents of these trees, given by what the index calls them. `signer` signs their buttons."""

    def __init__(
        self, store: Store, outbox: Outbox, wording: Wording, trees: Mapping[str, TreeOptions], signer: Signer
    ) -> None:
        super().__init__("untaken", _TIMEOUT_SECONDS)
        self._store = store
        self._outbox = outbox
        self._wording = wording
        self._trees = trees
        self._signer = signer
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def work(self) -> None:
        is_ready, prune_at = False, 0.0
        while not self._stopping.is_set():
            self.beat()
            with suppress(StorageError):  # the service says so, and it is tried again
                if not is_ready:
                    self._store.submit(self._begin).result()
                    is_ready = True
                for tree in self._trees:
                    self._remind(tree)
                if time.monotonic() >= prune_at:
                    self._store.submit(_prune).result()
                    prune_at = time.monotonic() + _PRUNE_SECONDS
            self._stopping.wait(_LOOK_SECONDS)

    def _begin(self, db: Database) -> None:
        """What other settings, and other tokens of the commands, have changed since the last start."""
        cancel_reminders(db, [tree for tree, options in self._trees.items() if options.remind_after is None])
        stale = db.execute(
            "SELECT conversation, channel, tree FROM document_threads WHERE taken_at IS NULL AND signed_by <> ?"
            " AND since > ?",
            (self._signer.key_id, self._store.now() - self._signer.lifetime),
        ).fetchall()
        for conversation, channel, tree in stale:
            if is_there(db, tree, conversation):
                edit_anew(db, channel, conversation, self._store.now())
        db.execute("UPDATE document_threads SET signed_by = ?", (self._signer.key_id,))

    def _remind(self, tree: str) -> None:
        after = self._trees[tree].remind_seconds
        if after is None:
            return
        due = (
            "SELECT conversation, channel, since FROM document_threads WHERE tree = ? AND reminds AND since <= ?"
            " ORDER BY since LIMIT ?",
            (tree, self._store.now() - after, _AT_ONCE),
        )
        if self._store.read(*due):
            number = self._outbox.put(
                lambda db: list(self._reminders(db, tree, db.execute(*due).fetchall()))
            ).result()
            log.info("reminded tree=%s documents=%d", tree, number)

    def _reminders(
        self, db: Database, tree: str, due: list[tuple[str, str, float]]
    ) -> Iterator[Notification]:
        for conversation, channel, since in due:
            db.execute("UPDATE document_threads SET reminds = FALSE WHERE conversation = ?", (conversation,))
            if is_there(db, tree, conversation):
                span = markup.Markup(age(self._wording, self._store.now() - since))
                text = markup.fill(self._wording["document.untaken"], span=span)
                message = Message(self._trees[tree].username, document.ICON, summary=text, text=text)
                yield Notification(f"reminder:{conversation}", channel, message, conversation)


def cancel_reminders(db: Database, trees: Iterable[str]) -> None:
    """No document of these trees is reminded of that was announced before.

    Or all of them would be at once when the site wants it again.
    """
    for tree in trees:
        db.execute("UPDATE document_threads SET reminds = FALSE WHERE tree = ? AND reminds", (tree,))


def _prune(db: Database) -> None:
    """Forget those whose conversation is forgotten."""
    db.execute("DELETE FROM document_threads WHERE conversation NOT IN (SELECT name FROM conversation)")
