"""The thread that something is asked for in: the conversation whose root it begins with, if that is one of ours."""

import re
from typing import NamedTuple

from relays.mattermost.bot import by_id
from relays.mattermost.slash_command import SlashCommand
from relays.sources.gitlab.conversations.conversing import CONFIDENTIAL, SIGN_OF_MERGE_REQUEST
from relays.storage.engine import Readable

# As conversing calls them; the path of a project has no spaces.
_MERGE_REQUEST = re.compile(rf"(\S+){SIGN_OF_MERGE_REQUEST}(\d+)(?:{CONFIDENTIAL})?")
_PIPELINE = re.compile(r"((\S+) pipeline .+) \d+", re.DOTALL)


class Thread(NamedTuple):
    """A conversation in a channel, both as the outbox calls them."""

    channel: str
    conversation: str

    @property
    def merge_request(self) -> tuple[str, int] | None:
        """The project and the number of the merge request that it is about, if it is about one."""
        found = _MERGE_REQUEST.fullmatch(self.conversation)
        return (found[1], int(found[2])) if found else None

    @property
    def pipelines(self) -> tuple[str, str] | None:
        """The project and the name of the state of a thread that is about the pipelines of a branch, if it is."""
        found = _PIPELINE.fullmatch(self.conversation)
        return (found[2], found[1]) if found else None


def find_thread(store: Readable, command: SlashCommand) -> Thread | None:
    """The thread that a command was given in; None outside of one, and in one of others. StorageError."""
    if not command.root_id:
        return None
    rows = store.read(
        "SELECT channel, name FROM conversation WHERE channel IN (?, ?) AND post_id = ?",
        (command.channel, by_id(command.channel_id), command.root_id),
    )
    return Thread(*rows[0]) if rows else None
