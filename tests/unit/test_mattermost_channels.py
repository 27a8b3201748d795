"""What Mattermost says of a channel and who is in it, and what it does not say."""

from collections.abc import Iterator

import pytest

from relays.mattermost import channels as asking
from relays.mattermost.bot_session import Bot
from relays.mattermost.channels import Channel, Channels
from relays.mattermost.people import NoAnswerError
from tests.relays.bot_sink import BOT_TOKEN, TEAM, BotSink
from tests.relays.slash import introduce


@pytest.fixture
def chat() -> Iterator[BotSink]:
    sink = BotSink("dev", "old", "closed")
    sink.archived.add("old")
    sink.kinds |= {"closed": "P", "odd": "X"}
    sink.ids["odd"] = "id-odd"
    yield sink
    sink.stop()


@pytest.fixture
def channels(chat: BotSink) -> Channels:
    return Channels(Bot(chat.url, TEAM, BOT_TOKEN, "dev"))


def test_a_channel_is_what_mattermost_says(chat: BotSink, channels: Channels) -> None:
    assert channels.find(chat.ids["dev"]) == Channel("dev", "open", is_archived=False)
    assert channels.find(chat.ids["old"]) == Channel("old", "open", is_archived=True)
    assert channels.find(chat.ids["closed"]) == Channel("closed", "private", is_archived=False)
    assert channels.find("id-none") is None
    chat.forbidden |= {"closed", "dev"}
    assert channels.find(chat.ids["closed"]) is None
    assert (channels.has_bot(chat.ids["dev"]), channels.has_bot(chat.ids["old"])) == (False, True)
    with pytest.raises(NoAnswerError):
        channels.find("id-odd")
    assert channels.bot_name() == "passerelle"


@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 600])
def test_all_who_are_in_a_channel_are_named(chat: BotSink, channels: Channels, count: int) -> None:
    """Not the bot itself, nor who is deactivated."""
    for number in range(count):
        introduce(chat, f"u{number:025}", f"user{number}")
    chat.present["dev"] = set(chat.persons)
    assert sorted(channels.members(chat.ids["dev"]) or []) == sorted(
        f"user{number}" for number in range(count)
    )
    if count:
        chat.persons[f"u{0:025}"]["delete_at"] = 1
        assert len(channels.members(chat.ids["dev"]) or []) == count - 1


def test_too_many_are_none(chat: BotSink, channels: Channels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_MEMBERS", 200)
    for number in range(450):
        introduce(chat, f"u{number:025}", f"user{number}")
    chat.present["dev"] = set(chat.persons)
    assert channels.members(chat.ids["dev"]) is None


def test_who_is_not_described_is_not_left_out(chat: BotSink, channels: Channels) -> None:
    introduce(chat, "u0000000000000000000000001", "user")
    chat.present["dev"] = {"u0000000000000000000000001", "u0000000000000000000000002"}
    with pytest.raises(NoAnswerError):
        channels.members(chat.ids["dev"])


@pytest.mark.parametrize("trouble", ["away", "unwell", "wrong token"])
def test_no_answer_is_none(chat: BotSink, channels: Channels, trouble: str) -> None:
    if trouble == "away":
        chat.stop()
    chat.healthy = trouble != "unwell"
    if trouble == "wrong token":
        chat.token = "other"
    for question in (channels.find, channels.has_bot, channels.members):
        with pytest.raises(NoAnswerError):
            question(chat.ids["dev"])
    if trouble == "away":
        chat.start()
