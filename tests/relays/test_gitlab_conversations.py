"""The real relay as a bot: the life of a merge request is one thread, whatever is killed meanwhile."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.postgresql import on_both_spools
from tests.relays.bot_sink import BOT_TOKEN, BotSink
from tests.relays.events import send
from tests.relays.process import LISTEN, Relay, wait_for
from tests.unit.acts_world import Payload
from tests.unit.conversation_events import life

SETTINGS = '[people]\nlperrin = "leo"\ncmorel = "camille"\n'


@pytest.fixture
def chat() -> Iterator[BotSink]:
    """A Mattermost with the people who have to do with it."""
    sink = BotSink("dev-notifications")
    sink.people = {name: f"id-of-{name}" for name in ("leo", "camille", "arichard")}
    yield sink
    sink.stop()


@pytest.fixture
def bot(chat: BotSink, tmp_path: Path, spool: str | None) -> Iterator[Callable[[str], Relay]]:
    """Makes the GitLab relay that posts as a bot, with these settings, not started yet."""
    relays: list[Relay] = []

    def make(settings: str = "") -> Relay:
        named, token = chat.bot
        relay = Relay("gitlab", tmp_path, chat.hook_url, f"{settings}\n{SETTINGS}{LISTEN}{named}", spool)
        (tmp_path / "credentials" / "mattermost-bot-token").write_text(f"{token}\n")
        relays.append(relay)
        return relay

    yield make
    for relay in relays:
        relay.close()
        assert BOT_TOKEN not in relay.text


def hear(relay: Relay, *payloads: Payload) -> None:
    for payload in payloads:
        assert send(relay, json.dumps(payload).encode()).text == "accepted\n"


def is_whole(chat: BotSink) -> bool:
    """Whether the channel shows the end of it, and everybody has been told what concerns them."""
    roots = chat.roots("dev-notifications")
    told = {name: len(chat.written(f"@{name}")) for name in chat.people}
    shown = len(roots) == 1 and roots[0].message.startswith("🟣") and "💬 6" in roots[0].message
    return shown and len(chat.replies(roots[0])) >= 7 and told["camille"] >= 5


@on_both_spools
@pytest.mark.parametrize("killed", [False, True], ids=["undisturbed", "killed"])
def test_a_life_is_one_thread(bot: Callable[[str], Relay], chat: BotSink, killed: bool) -> None:
    relay = bot("")
    relay.start()
    moments = life()
    for number, moment in enumerate(moments):
        hear(relay, *moment)
        if killed and number in (2, 5, 9):
            relay.kill()
            relay.start()
    wait_for(lambda: is_whole(chat), 60)
    (root,) = chat.roots("dev-notifications")
    replies = chat.replies(root)
    assert len(replies) <= 8
    # Once each, however often the relay was killed.
    keys = [key for post in chat.written("dev-notifications") if post.root_id for key in post.keys]
    assert len(keys) == len(set(keys))
    assert len(chat.written("@leo")) == 1
    assert len(chat.written("@arichard")) == 1
    assert chat.written("@arichard")[0].message.startswith("👀 **Camille Morel** vous demande une relecture")
    assert "@camille" in "".join(post.message for post in replies)
    assert "Status" in json.dumps(root.props)


def test_each_hears_in_person_of_what_they_want(bot: Callable[[str], Relay], chat: BotSink) -> None:
    relay = bot('[notify]\nLPerrin = []\ncmorel = ["merged", "reminders"]')
    relay.start()
    for moment in life():
        hear(relay, *moment)
    # Each channel has a worker of its own.
    wait_for(lambda: chat.written("@camille") and chat.written("@arichard"), 60)
    # What somebody hears of is put into the outbox in the order in which it happens, and the merge is the last.
    with sqlite3.connect(f"file:{relay.state}/relay.db?mode=ro", uri=True) as db:
        written_to = db.execute(
            "SELECT DISTINCT channel FROM outbox WHERE channel LIKE '@%' ORDER BY channel"
        )
        assert written_to.fetchall() == [("@arichard",), ("@camille",)]
    assert [post.message[0] for post in chat.written("@camille")] == ["🟣"]
    assert [post.message[0] for post in chat.written("@arichard")] == ["👀"]
    assert chat.written("@leo") == []


def test_a_site_can_have_the_root_alone(bot: Callable[[str], Relay], chat: BotSink) -> None:
    relay = bot('conversations = "in place"')
    relay.start()
    hear(relay, *(payload for moment in life() for payload in moment))
    end = ("🟣", "💬 6")
    wait_for(
        lambda: any(all(sign in post.message for sign in end) for post in chat.written("dev-notifications")),
        60,
    )
    wait_for(lambda: chat.written("@leo"), 60)
    assert len(chat.written("dev-notifications")) == 1


def test_a_site_can_have_single_posts_by_its_bot(bot: Callable[[str], Relay], chat: BotSink) -> None:
    relay = bot('conversations = "single"\ndirect_messages = false')
    relay.start()
    hear(relay, *(payload for moment in life() for payload in moment))
    wait_for(lambda: any("a fusionné" in post.shown for post in chat.written("dev-notifications")), 60)
    assert len(chat.roots("dev-notifications")) == len(chat.written("dev-notifications")) > 8
    assert chat.written("@leo") == []
