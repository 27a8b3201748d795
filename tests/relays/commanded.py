"""A relay that posts as a bot and answers slash commands, and the Mattermost that they come from."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.relays import slash
from tests.relays.bot_sink import BotSink
from tests.relays.process import Relay
from tests.relays.slash import ALICE, BOB, COMMAND_TOKEN, introduce


@pytest.fixture
def chat() -> Iterator[BotSink]:
    """A Mattermost with the channels `dev` and `home`, and two people."""
    sink = BotSink("dev", "home")
    introduce(sink, ALICE, "alice", "fr")
    introduce(sink, BOB, "bob", "en-GB")
    yield sink
    sink.stop()


@pytest.fixture
def bot(chat: BotSink, tmp_path: Path, spool: str | None) -> Iterator[Callable[..., Relay]]:
    """Makes the GitLab relay that posts as a bot and answers commands, not started yet.

    `commands` is what their table of settings says besides.
    """
    relays: list[Relay] = []

    def make(settings: str = "", *operators: str, commands: str = "") -> Relay:
        named, token = chat.bot
        listen = '[listen]\naddress = "127.0.0.1"\nport = 0\n'
        own = f'channel = "dev"\n{settings}\n{named}\n{slash.settings(chat.url, *operators)}{commands}\n{listen}'
        relays.append(Relay("gitlab", tmp_path, chat.hook_url, own, spool))
        (tmp_path / "credentials" / "mattermost-bot-token").write_text(f"{token}\n")
        slash.hand_token(tmp_path)
        return relays[-1]

    yield make
    for relay in relays:
        relay.close()
        for secret in (COMMAND_TOKEN, slash.RESPONSE):
            assert secret not in relay.text
