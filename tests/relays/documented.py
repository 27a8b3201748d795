"""Both relays as on one host, posting as the same bot: documents that people take by a button."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.relays import slash
from tests.relays.bot_sink import BotSink, Written
from tests.relays.pressing import ADDRESS, SETTING
from tests.relays.process import Relay, wait_for
from tests.relays.slash import ALICE, BOB, COMMAND_TOKEN, introduce

CHANNEL = "rh"


@dataclass(frozen=True)
class Pair:
    """The GitLab relay, which Mattermost reaches, and the Nextcloud relay, which has the documents in `tree`."""

    gitlab: Relay
    nextcloud: Relay
    chat: BotSink
    tree: Path
    socket: Path

    def start(self) -> None:
        """Both."""
        self.gitlab.start()
        self.nextcloud.start()

    def bring(self, name: str, content: bytes = b"new") -> Written:
        """A document into the tree; the first post of its conversation."""
        before = len(self.chat.roots(CHANNEL))
        (self.tree / name).write_bytes(content)
        wait_for(lambda: len(self.chat.roots(CHANNEL)) == before + 1, what=f"{name} is announced")
        unknown = "SELECT 1 FROM conversation WHERE post_id IS NULL"
        wait_for(lambda: not self.rows(unknown), what="the relay knows its posts")
        return self.chat.roots(CHANNEL)[-1]

    def rows(self, query: str) -> list[Any]:
        """What the store of the Nextcloud relay holds, or what becomes of it."""
        with closing(sqlite3.connect(self.nextcloud.state / "relay.db", timeout=10)) as db, db:
            return db.execute(query).fetchall()


@pytest.fixture
def chat() -> Iterator[BotSink]:
    """A Mattermost with the channels `dev`, `rh` and `home`, and two people."""
    sink = BotSink("dev", CHANNEL, "home")
    introduce(sink, ALICE, "alice", "fr")
    introduce(sink, BOB, "bob", "en-GB")
    yield sink
    sink.stop()


@pytest.fixture
def pair(chat: BotSink, tree: Path, tmp_path: Path, spool: str | None) -> Iterator[Callable[..., Pair]]:
    """Makes both relays, not started yet; `of_tree` is what the settings say of the tree besides."""
    made: list[Relay] = []
    with tempfile.TemporaryDirectory(prefix="passerelle-") as run:  # the path of a socket is short

        def make(of_tree: str = "", settings: str = "", *, buttons: bool = True, further: str = "") -> Pair:
            named, token = chat.bot
            socket = Path(run) / "presses.sock"
            handed = f'\n{SETTING}\ndocuments = "{socket}"\n' if buttons else ""
            own = f'channel = "dev"\n{named}\n{slash.settings(chat.url)}{handed}\n'
            listen = '[listen]\naddress = "127.0.0.1"\nport = 0\n'
            signed = f'[buttons]\nurl = "{ADDRESS}"\nsocket = "{socket}"\n' if buttons else ""
            trees = f'[[trees]]\ntree = "{tree}"\n{of_tree}\n{further}'
            texts = {
                "gitlab": own + listen,
                "nextcloud": f'channel = "{CHANNEL}"\n{settings}\n{named}\n{signed}{trees}',
            }
            relays = {}
            for kind, text in texts.items():
                home = tmp_path / kind
                home.mkdir()
                given = spool if kind == "gitlab" else None
                relays[kind] = Relay(kind, home, chat.hook_url, text, given)
                (home / "credentials" / "mattermost-bot-token").write_text(f"{token}\n")
                slash.hand_token(home)
            made.extend(relays.values())
            return Pair(relays["gitlab"], relays["nextcloud"], chat, tree, socket)

        yield make
        for relay in made:
            relay.close()
            assert COMMAND_TOKEN not in relay.text
