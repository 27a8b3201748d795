"""Who has typed a command, as Mattermost says: languages are remembered, ranks are not, and nobody waits for long."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from relays.mattermost import people
from relays.mattermost.bot_session import Bot
from relays.mattermost.people import NoAnswerError, People
from tests.relays.bot_sink import BOT_TOKEN, TEAM, BotSink
from tests.relays.slash import ALICE, BOB, DEV, introduce
from tests.standins.mattermost_server import running


@pytest.fixture
def chat() -> Iterator[BotSink]:
    sink = BotSink("dev")
    yield sink
    sink.stop()


@pytest.fixture
def known(chat: BotSink) -> People:
    return People(Bot(chat.url, TEAM, BOT_TOKEN, "dev"))


@pytest.mark.parametrize(
    ("locale", "language"),
    [("fr", "fr"), ("fr-CA", "fr"), ("en", "en"), ("en-AU", "en"), ("de", None), ("", None)],
)
def test_a_language_is_one_of_ours_or_none(
    chat: BotSink, known: People, locale: str, language: str | None
) -> None:
    introduce(chat, ALICE, "alice", locale)
    assert known.language(ALICE) == language
    assert known.find(ALICE).language == language


@pytest.mark.parametrize(
    ("said", "timezone"),
    [
        (
            {"useAutomaticTimezone": "true", "automaticTimezone": "Europe/Paris", "manualTimezone": ""},
            "Europe/Paris",
        ),
        (
            {"useAutomaticTimezone": "false", "automaticTimezone": "Europe/Paris", "manualTimezone": "UTC"},
            "UTC",
        ),
        ({"useAutomaticTimezone": True, "automaticTimezone": "UTC"}, "UTC"),
        ({"useAutomaticTimezone": "false", "manualTimezone": ""}, ""),
        ({}, ""),
        (None, ""),
        ("UTC", ""),
    ],
)
def test_the_time_zone_of_a_person_is_the_one_that_holds(
    chat: BotSink, known: People, said: object, timezone: str
) -> None:
    introduce(chat, ALICE, "alice", timezone=said, email="alice@taaf.fr")
    assert (known.find(ALICE).timezone, known.find(ALICE).email) == (timezone, "alice@taaf.fr")


def test_a_language_is_remembered_and_a_rank_is_not(chat: BotSink, known: People) -> None:
    introduce(chat, ALICE, "alice", "en")
    assert known.language(ALICE) == "en"
    introduce(chat, ALICE, "alice", "fr", roles="system_user system_admin")
    assert known.language(ALICE) == "en"
    assert known.find(ALICE).is_admin
    introduce(chat, ALICE, "alice", "fr")
    assert not known.find(ALICE).is_admin
    assert not known.administers(ALICE, DEV)
    chat.managers.add((DEV, ALICE))
    assert known.administers(ALICE, DEV)


def test_no_more_languages_are_remembered_than_there_is_room_for(
    chat: BotSink, known: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "_MOST_KNOWN", 2)
    for number in range(5):
        introduce(chat, f"person{number}", f"p{number}", "en")
        assert known.language(f"person{number}") == "en"
    assert list(known._known) == ["person3", "person4"]


def test_a_mattermost_that_does_not_answer_in_time_is_left_alone_for_a_while(
    chat: BotSink, known: People
) -> None:
    introduce(chat, ALICE, "alice", "en")
    chat.asking_seconds = 2.0
    begun = time.monotonic()
    assert [known.language(ALICE) for _ in range(50)] == [None] * 50
    assert time.monotonic() - begun < 2.0, "asked once, and not waited for"
    assert known.find(ALICE).name == "alice", "what has to be known is waited for"
    assert known.language(ALICE) == "en"


@pytest.mark.parametrize("state", ["unknown", "deactivated", "no database", "another token", "away"])
def test_who_is_not_described_is_nobody(chat: BotSink, known: People, state: str) -> None:
    if state != "unknown":
        introduce(chat, BOB, "bob", "fr", delete_at=int(state == "deactivated"))
    chat.healthy = state != "no database"
    if state == "another token":
        chat.token = "other"
    if state == "away":
        chat.stop()
    with pytest.raises(NoAnswerError):
        known.find(BOB)


def test_the_stand_in_says_the_same(tmp_path: Path) -> None:
    """As far as a plain bot may ask: of a channel that it is not in, nobody administers anything."""
    with running(tmp_path) as server:
        server.add_user("admin")
        server.token = server.login("admin")
        admin = server.api("GET", "/users/me")["id"]
        team = server.api("POST", "/teams", {"name": "taaf", "display_name": "T", "type": "O"})["id"]
        server.api("PUT", "/config/patch", {"ServiceSettings": {"EnableBotAccountCreation": True}})
        bot = server.api("POST", "/bots", {"username": "passerelle"})["user_id"]
        token = server.api("POST", f"/users/{bot}/tokens", {"description": "x"})["token"]
        server.api("POST", f"/teams/{team}/members", {"team_id": team, "user_id": bot})
        alice = server.add_user("alice")
        server.api("PUT", f"/users/{alice}/patch", {"locale": "fr"})
        channels = {
            name: server.api(
                "POST", "/channels", {"team_id": team, "name": name, "display_name": name, "type": "P"}
            )["id"]
            for name in ("ours", "foreign")
        }
        server.api("POST", f"/channels/{channels['ours']}/members", {"user_id": bot})
        found = People(Bot(server.url, "taaf", token, "ours"))
        assert (found.find(admin).is_admin, found.find(alice).is_admin) == (True, False)
        assert found.find(alice).language == "fr"
        assert found.find(bot).is_bot
        assert found.administers(admin, channels["ours"])
        assert not found.administers(admin, channels["foreign"])
        assert not found.administers(alice, channels["ours"])
