"""The thread that something is asked for in: the conversation whose root it begins with, if that is one of ours."""

from typing import NamedTuple

from relays.mattermost.bot import by_id
from relays.mattermost.slash_command import SlashCommand
from relays.storage.engine import Readable


class Thread(NamedTuple):
    """A conversation in a channel, both as the outbox calls them."""

    channel: str
    conversation: str


def find_thread(store: Readable, command: SlashCommand) -> Thread | None:
    """The thread that a command was given in; None outside of one, and in one of others. StorageError."""
    if not command.root_id:
        return None
    rows = store.read(
        "SELECT channel, name FROM conversation WHERE channel IN (?, ?) AND post_id = ?",
        (command.channel, by_id(command.channel_id), command.root_id),
    )
    return Thread(*rows[0]) if rows else None
