"""Who takes which document: what somebody has said by a press is kept, and the first post of its conversation shows it.

A document that is announced in a conversation of its own can be taken, once and by one person, until it is gone from
the tree. It stays taken whatever version of it comes: somebody sees to it. The press, what the first post has to show
and the end of the reminder are one transaction, so a kill leaves all of it or nothing; the post is edited as any other
(delivery.roots).
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from relays.delivery.conversation import find
from relays.delivery.outbox import Notification, Outbox
from relays.mattermost.handover import ANSWER_SECONDS, Handled, Handover
from relays.mattermost.message import restored
from relays.sources.nextcloud import document
from relays.sources.nextcloud.options import TreeOptions
from relays.storage.engine import Database, StorageError
from relays.storage.storing import UncertainError, stored
from relays.wording import Wording

log = logging.getLogger(__name__)


class Taking:
    """The table of the conversations about documents. `outbox` takes what is announced, in these words.

    `signed_by` is the key that buttons are signed with (Signer.key_id).
    """

    def __init__(self, outbox: Outbox, wording: Wording, clock: Callable[[], float], signed_by: str) -> None:
        self._outbox = outbox
        self._wording = wording
        self._clock = clock
        self._signed_by = signed_by

    def noted(
        self, db: Database, tree: str, options: TreeOptions, notifications: Sequence[Notification]
    ) -> list[Notification]:
        """Note which documents of a tree can be taken from now on; the same notifications, with who has taken what."""
        return [self._noted(db, tree, options, each) for each in notifications]

    def _noted(self, db: Database, tree: str, options: TreeOptions, new: Notification) -> Notification:
        if new.root is None:
            return new
        row = db.execute(
            "SELECT user_name, taken_at FROM document_threads WHERE conversation = ?", (new.conversation,)
        ).fetchone()
        if row and row[1] is not None:
            return replace(new, root=document.taken(self._wording, new.root, *row))
        if new.root.attachment and new.root.attachment.buttons:
            self._note(db, str(new.conversation), new.channel, tree, reminds=options.remind_after is not None)
        return new

    def _note(self, db: Database, conversation: str, channel: str, tree: str, *, reminds: bool) -> None:
        db.execute(
            "INSERT INTO document_threads (conversation, channel, tree, since, reminds, signed_by)"
            " VALUES (?, ?, ?, ?, ?, ?)"
            # A site may have another channel for the tree by now, in which the conversation begins anew.
            " ON CONFLICT (conversation) DO UPDATE SET channel = excluded.channel",
            (conversation, channel, tree, self._clock(), reminds, self._signed_by),
        )

    def take(self, handover: Handover) -> Handled:
        """What comes of a press, which is known to be of a button of ours and by this person."""
        handled: list[Handled] = []

        def make(db: Database) -> list[Notification]:
            found, notifications = self._take(db, handover)
            handled[:] = [found]
            return notifications

        try:
            stored(self._outbox.put, make, ANSWER_SECONDS)
        except StorageError:
            return Handled("failing")
        except UncertainError:
            return Handled("uncertain")
        (found,) = handled
        log.info(
            "press conversation=%s user=%s outcome=%s",
            *(handover.conversation, handover.user_id, found.outcome),
        )
        return found

    def _take(self, db: Database, handover: Handover) -> tuple[Handled, list[Notification]]:
        name = handover.conversation or self._begun_by(db, handover.post_id)
        row = db.execute(
            "SELECT channel, tree, user_id, user_name, taken_at FROM document_threads WHERE conversation = ?",
            (name,),
        ).fetchone()
        channel, tree, user_id, user_name, taken_at = row or ("", "", "", "", None)
        conversation = find(db, channel, name)
        if conversation is None or conversation.post_id != handover.post_id:
            return Handled("gone"), []
        if taken_at is not None:
            return Handled("again" if user_id == handover.user_id else "other", user_name, taken_at), []
        if not is_there(db, tree, name):
            return Handled("removed"), []
        now = self._clock()
        db.execute(
            "UPDATE document_threads SET user_id = ?, user_name = ?, taken_at = ?, reminds = FALSE"
            " WHERE conversation = ?",
            (handover.user_id, handover.name, now, name),
        )
        before = restored(conversation.message, conversation.summary)
        root = document.taken(self._wording, before, handover.name, now)
        return Handled("taken", handover.name, now), [
            Notification(f"taken:{name}:{now}", channel, None, name, root)
        ]

    def _begun_by(self, db: Database, post_id: str) -> str:
        """The conversation that begins with a post, empty for none.

        It can be taken from now on if it could not before, for it began while its document had no button yet.
        """
        row = db.execute("SELECT name, channel FROM conversation WHERE post_id = ?", (post_id,)).fetchone()
        if row is None:
            return ""
        name, channel = row
        found = db.execute(
            "SELECT tree FROM documents WHERE conversation = ? AND NOT EXISTS"
            " (SELECT 1 FROM document_threads WHERE conversation = documents.conversation) LIMIT 1",
            (name,),
        ).fetchone()
        if found is not None:
            # Nobody was to be reminded of it.
            self._note(db, name, channel, *found, reminds=False)
        return str(name)


def is_there(db: Database, tree: str, conversation: str) -> bool:
    """Whether the document that a conversation is about is in its tree."""
    found = db.execute(
        "SELECT 1 FROM documents WHERE conversation = ? AND tree = ?", (conversation, tree)
    ).fetchone()
    return found is not None
