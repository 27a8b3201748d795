"""Which channel of Mattermost is meant by a name that the site's settings lead to.

Names can be changed, and taken by another channel then; what was noted for one must not be shown in the other. So the
number of a channel is kept beside its name, and since when it is that one:

    posting     who says so
    as a bot    the bot, whenever it looks up the channel that it posts in; until it has, whoever types a command there
    by webhook  whoever types a command there, for Mattermost looks for the name at each post
"""

from collections.abc import Callable
from dataclasses import dataclass

from relays.mattermost.slash_command import SlashCommand
from relays.storage.engine import Database
from relays.storage.store import Store

NOWHERE = ""
"""The name of a channel that bears the name of another one."""


@dataclass(frozen=True)
class ChannelIds:
    """The table, of a site that leads events `into` these channels."""

    store: Store
    into: Callable[[str], bool]
    by_bot: bool

    def resolved(self, channel: str, channel_id: str) -> None:
        """The bot posts in this one by that name."""
        if self.into(channel):
            self.store.submit(lambda db: self._put(db, channel, channel_id))

    def name_of(self, command: SlashCommand) -> str:
        """What the settings call the channel that a command was typed in. StorageError."""
        channel, channel_id = command.channel, command.channel_id
        rows = self.store.read(
            "SELECT channel, channel_id FROM channel_ids WHERE channel_id = ? OR channel = ? ORDER BY since DESC",
            (channel_id, channel),
        )
        if name := next((name for name, known in rows if known == channel_id), ""):
            return name
        if rows and self.by_bot:
            return NOWHERE
        if self.into(channel):
            self.store.submit(lambda db: self._put(db, channel, channel_id))
        return channel

    def _put(self, db: Database, channel: str, channel_id: str) -> None:
        rows = db.execute("SELECT channel_id FROM channel_ids WHERE channel = ?", (channel,)).fetchall()
        if not any(known == channel_id for (known,) in rows):
            db.execute("DELETE FROM channel_ids WHERE channel = ?", (channel,))
            # Whatever was noted before the first word of it was noted for this one.
            row = (self._now(db, channel) if rows else 0.0, channel, channel_id)
            db.execute("INSERT INTO channel_ids (since, channel, channel_id) VALUES (?, ?, ?)", row)

    def _now(self, db: Database, channel: str) -> float:
        """The moment from which on what is noted is for the channel that bears a name now: what waits is as well."""
        ((waits,),) = db.execute(
            "SELECT min(e.noted_at) FROM outbox o JOIN channel_events e"
            " ON e.channel = o.channel AND e.delivery_key = o.delivery_key"
            " WHERE o.channel = ? AND o.state = 'ready'",
            (channel,),
        ).fetchall()
        return self.store.now() if waits is None else float(waits)
