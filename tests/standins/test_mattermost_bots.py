"""Bot accounts of the stand-in: what a real 5.37 answered (recordings 17, 25), and what the deploy rests on besides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.standins.mattermost_replay import Replay, recording
from tests.standins.mattermost_server import SITE_URL, MattermostServer, running

EXCHANGES = recording("17")["exchanges"]
BOT = "relay"
"""The description of the bot's token, by which the replay knows it."""
SENDERS = {
    **dict.fromkeys((1, 6, 13), "alice"),
    **dict.fromkeys((*range(9, 13), *range(14, 19), *range(20, 23), 24, 25, 27, 28, 34, 36), BOT),
    32: "relay 2",
}
"""Who sent an exchange that the administrator did not."""
CREATION = {1: True, 9: False}
"""Exchanges before which the recorder switched the creation of bots."""
PEOPLE = recording("25")["exchanges"]
RESTRICTED = "restricted to teams"
NO_TEAM = "to a team, which the body does not name"
BY_BOT = (
    "direct channel with somebody of no team of the bot's",
    f"{RESTRICTED}: with somebody of no team of the bot's",
    f"{RESTRICTED}: the channel that is there",
    f"{RESTRICTED}: post in it",
    f"{RESTRICTED}: with somebody of the team",
    "user by a name in capitals",
    "user by a name that nobody has",
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MattermostServer]:
    with running(tmp_path, "--version", "5.37", "--site-url", SITE_URL) as started:
        started.add_user("admin")
        started.token = started.login("admin")
        yield started


def _furnish(server: MattermostServer, replay: Replay) -> None:
    """What was there before the first exchange, under the ids that it was recorded with."""
    replay.ids["admin000000000000000000001"] = server.api("GET", "/users/me")["id"]
    team = server.api("POST", "/teams", {"name": "dev", "display_name": "Dev", "type": "O"})
    replay.ids["team0000000000000000000001"] = team["id"]
    alice = server.add_user("alice")
    server.api("POST", f"/teams/{team['id']}/members", {"team_id": team["id"], "user_id": alice})
    for name, kind in (("bots", "O"), ("priv", "P"), ("other", "O")):
        wanted = {"team_id": team["id"], "name": name, "display_name": name, "type": kind}
        recorded = f"chan{name}{'1':0>{22 - len(name)}}"
        replay.ids[recorded] = server.api("POST", "/channels", wanted)["id"]
    replay.tokens |= {"admin": server.token, "alice": server.login("alice")}


def test_bots_are_answered_as_recorded(server: MattermostServer) -> None:
    """One story, in its order: each exchange rests on those before."""
    replay = Replay()
    _furnish(server, replay)
    for recorded in {id for each in EXCHANGES for id in _channels(each)} - set(replay.ids):
        pytest.fail(f"{recorded} is of no channel that is there")
    found = {}
    for at, exchange in enumerate(EXCHANGES):
        if at in CREATION:
            server.api(
                "PUT", "/config/patch", {"ServiceSettings": {"EnableBotAccountCreation": CREATION[at]}}
            )
        answer = replay.send(server, exchange, SENDERS.get(at, "admin"))
        # Of posts, threads are recorded elsewhere.
        found[f"{at}: {exchange['name']}"] = replay.compare(
            exchange, answer, ignored=frozenset({"parent_id"})
        )
    assert {title: differences for title, differences in found.items() if differences} == {}


def test_bots_and_people_are_answered_as_recorded(server: MattermostServer) -> None:
    """Bots without texts, whom a bot may write to, and how it belongs to a team that it leaves."""
    replay = Replay()
    replay.ids["admin000000000000000000001"] = server.api("GET", "/users/me")["id"]
    team = server.api("POST", "/teams", {"name": "dev", "display_name": "Dev", "type": "O"})["id"]
    replay.ids["team0000000000000000000001"] = team
    wanted = {"team_id": team, "name": "bots", "display_name": "bots", "type": "O"}
    replay.ids["chanbots000000000000000001"] = server.api("POST", "/channels", wanted)["id"]
    for name in ("alice", "bob", "carol"):
        replay.ids[f"{name}{'1':0>{26 - len(name)}}"] = server.add_user(name)
    alice = {"team_id": team, "user_id": replay.ids["alice000000000000000000001"]}
    server.api("POST", f"/teams/{team}/members", alice)
    server.api("PUT", "/config/patch", {"ServiceSettings": {"EnableBotAccountCreation": True}})
    replay.tokens["admin"] = server.token
    found = {}
    for exchange in PEOPLE:
        name = exchange["name"]
        limit = {"RestrictDirectMessage": "team" if name.startswith(RESTRICTED) else "any"}
        server.api("PUT", "/config/patch", {"TeamSettings": limit})
        answer = replay.send(server, exchange, "bot" if name in BY_BOT else "admin")
        # Which of two made-up ids comes first is not that of the real ones.
        found[name] = replay.compare(exchange, answer, ignored=frozenset({"name", "shared"}))
        if name == NO_TEAM:
            member = {"team_id": team, "user_id": replay.ids["id000000000000000000000402"]}
            server.api("POST", f"/teams/{team}/members", member)
    assert {title: differences for title, differences in found.items() if differences} == {}


def _channels(exchange: dict[str, Any]) -> list[str]:
    body = exchange["request"]["body"]
    return [body["channel_id"]] if isinstance(body, dict) and "channel_id" in body else []


def make(server: MattermostServer, name: str = "passerelle") -> dict[str, Any]:
    """A bot of the administrator's."""
    server.api("PUT", "/config/patch", {"ServiceSettings": {"EnableBotAccountCreation": True}})
    made: dict[str, Any] = server.api("POST", "/bots", {"username": name, "display_name": name})
    return made


def test_a_bot_takes_other_texts_and_no_name_that_is_taken(server: MattermostServer) -> None:
    bot = make(server)
    server.add_user("bob")
    path = f"/bots/{bot['user_id']}"
    assert server.api("PUT", path, {"display_name": "Annonces"})["username"] == "passerelle"
    assert server.api("PUT", path, {"username": "relais", "description": "d"})["display_name"] == "Annonces"
    assert make(server)["user_id"] != bot["user_id"], "its name is free again"
    refused = server.request("PUT", f"/api/v4{path}", {"username": "bob"})
    assert (refused.status_code, refused.json()["id"]) == (400, "app.user.save.username_exists.app_error")
    assert server.request("PUT", "/api/v4/bots/" + "a" * 26, {"username": "x"}).status_code == 404


def test_a_disabled_bot_is_shown_to_who_asks_for_it(server: MattermostServer) -> None:
    bot = make(server)
    server.api("POST", f"/bots/{bot['user_id']}/disable")
    path = f"/api/v4/bots/{bot['user_id']}"
    assert server.request("GET", path).json()["id"] == "store.sql_bot.get.missing.app_error"
    assert server.request("GET", f"{path}?include_deleted=true").json()["delete_at"] > 0
    assert server.api("GET", "/bots") == []
    assert len(server.api("GET", "/bots?include_deleted=true")) == 1


@pytest.mark.parametrize("switch", [True, False])
def test_bots_are_disabled_with_their_owner(server: MattermostServer, switch: bool) -> None:
    """Unless the server says otherwise (DisableBotsWhenOwnerIsDeactivated)."""
    server.api("PUT", "/config/patch", {"ServiceSettings": {"DisableBotsWhenOwnerIsDeactivated": switch}})
    owner = server.add_user("olive")
    server.api("PUT", f"/users/{owner}/roles", {"roles": "system_user system_admin"})
    first, server.token = server.token, server.login("olive")
    bot = make(server)
    server.token = first
    server.api("PUT", f"/users/{owner}/active", {"active": False})
    found = server.api("GET", f"/bots/{bot['user_id']}?include_deleted=true")
    assert bool(found["delete_at"]) is switch


def test_who_leaves_a_team_leaves_its_channels(server: MattermostServer) -> None:
    team = server.api("POST", "/teams", {"name": "dev", "display_name": "Dev", "type": "O"})["id"]
    bot = make(server)["user_id"]
    server.api("POST", f"/teams/{team}/members", {"team_id": team, "user_id": bot})
    channel = server.api("GET", f"/teams/{team}/channels/name/off-topic")["id"]
    assert server.api("GET", f"/channels/{channel}/members/{bot}")["user_id"] == bot
    server.api("PUT", f"/channels/{channel}/members/{bot}/schemeRoles", {"scheme_admin": True})
    assert server.api("GET", f"/channels/{channel}/members/{bot}")["scheme_admin"] is True
    server.api("DELETE", f"/teams/{team}/members/{bot}")
    assert server.request("GET", f"/api/v4/channels/{channel}/members/{bot}").status_code == 404
    assert server.api("GET", f"/teams/{team}/members/{bot}")["delete_at"] > 0


def test_who_is_in_a_channel_is_said_to_who_sees_it(server: MattermostServer) -> None:
    """In pages; users are described by their ids, those that there are. As read in 11.6."""
    team = server.api("POST", "/teams", {"name": "dev", "display_name": "Dev", "type": "O"})["id"]
    closed = server.api(
        "POST", "/channels", {"team_id": team, "name": "closed", "display_name": "C", "type": "P"}
    )["id"]
    people = [server.add_user(name) for name in ("ann", "bea")]
    for person in people:
        server.api("POST", f"/teams/{team}/members", {"team_id": team, "user_id": person})
    server.api("POST", f"/channels/{closed}/members", {"user_id": people[0]})
    me = server.api("GET", "/users/me")["id"]
    pages = [server.api("GET", f"/channels/{closed}/members?page={page}&per_page=1") for page in range(3)]
    assert {each["user_id"] for page in pages for each in page} == {me, people[0]}
    assert [len(page) for page in pages] == [1, 1, 0]
    assert (
        server.request("GET", f"/api/v4/channels/{closed}/members", token=server.login("bea")).status_code
        == 403
    )
    found = server.api("POST", "/users/ids", [*people, "x" * 26])
    assert [each["username"] for each in found] == ["ann", "bea"]
