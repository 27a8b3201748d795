"""Where states are stored, and which channels have a root, with what it shows.

All of it is read and written in the transaction that takes an event, so that whoever shares the spool goes on from the
same state, and what is taken once changes it once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from relays.sources.gitlab.conversations.contribution import Fact
from relays.sources.gitlab.conversations.state import State
from relays.storage.engine import Database
from relays.storage.store import Store

# What nobody has touched for so long is forgotten until somebody does.
_KEEP_SECONDS = 180 * 24 * 3600.0
_FORGOTTEN_AT_ONCE = 20


class Root(NamedTuple):
    """The first post of a conversation in a channel; `shows` is the digest of what it shows."""

    channel: str
    language: str
    detail: str
    shows: str


@dataclass(frozen=True)
class Conversations:
    """The tables."""

    store: Store

    def state(self, db: Database, name: str) -> State | None:
        """What is known of a conversation; None if nothing is."""
        row = db.execute("SELECT state FROM conversation_states WHERE name = ?", (name,)).fetchone()
        return row and State.read(row[0])

    def keep(self, db: Database, name: str, state: State) -> None:
        """Write down how a conversation stands."""
        db.execute(
            "INSERT INTO conversation_states (name, state, seen_at) VALUES (?, ?, ?) ON CONFLICT (name)"
            " DO UPDATE SET state = excluded.state, seen_at = excluded.seen_at",
            (name, state.written(), self.store.now()),
        )

    def note(self, db: Database, name: str, fact: tuple[str, Fact]) -> None:
        """Write down a fact of a conversation, if something of it is known."""
        state = self.state(db, name)
        if state is not None:
            self.keep(db, name, replace(state, facts={**state.facts, fact[0]: fact[1]}))

    def roots(self, db: Database, name: str) -> dict[str, Root]:
        """The roots of a conversation by their channels."""
        rows = db.execute(
            "SELECT channel, language, detail, shows FROM conversation_roots WHERE conversation = ? ORDER BY channel",
            (name,),
        ).fetchall()
        return {row[0]: Root(*row) for row in rows}

    def keep_root(self, db: Database, name: str, root: Root) -> None:
        """Write down what a root shows from now on."""
        db.execute(
            "INSERT INTO conversation_roots (conversation, channel, language, detail, shows) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (conversation, channel) DO UPDATE SET language = excluded.language,"
            " detail = excluded.detail, shows = excluded.shows",
            (name, *root),
        )

    def let_go(self, db: Database, name: str) -> None:
        """Leave the roots of a conversation as they are: what comes next begins new ones."""
        db.execute("DELETE FROM conversation_roots WHERE conversation = ?", (name,))

    def forget(self, db: Database) -> None:
        """Remove a few of those that nothing has come of for so long that nothing will."""
        before = self.store.now() - _KEEP_SECONDS
        rows = db.execute(
            "SELECT name FROM conversation_states WHERE seen_at < ? LIMIT ?", (before, _FORGOTTEN_AT_ONCE)
        ).fetchall()
        self._remove(db, [name for (name,) in rows])

    def _remove(self, db: Database, names: Iterable[str]) -> None:
        for name in names:
            self.let_go(db, name)
            db.execute("DELETE FROM conversation_states WHERE name = ?", (name,))
