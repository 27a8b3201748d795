"""Buttons of the stand-in: what a real 5.37 answered and asked (recording 24), and what its pages show of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.evidence import browser
from tests.evidence.browser import Browser
from tests.relays.loopback import Handler, Loopback
from tests.standins.mattermost_replay import Exchange, Replay, recording
from tests.standins.mattermost_server import MattermostServer, running
from tests.waiting import wait_until

RECORDED = recording("24")["exchanges"]
INTEGRATION = "http://127.0.0.1:19066"
NOT_MODELLED = {
    "ephemeral post with buttons by the bot (needs create_post_ephemeral)": "nobody of the product posts one",
    "the same by an administrator": "as above",
    "who is that user? (by the bot)": "people were asked for after other recordings, with values of their own",
    "system administrator, asked by the bot": "as above",
    "channel member, asked by the bot": "as above",
    "team member, asked by the bot": "as above",
    "answer after 4 s": "seconds of waiting for the same as `press`",
    "answer after 40 s": "half a minute of waiting; the limit is urllib's timeout",
}
SENDERS = {
    "post with buttons": "relay",
    "by the bot itself": "relay",
    "pressed by a user outside the channel": "carol",
}
Answer = tuple[int, bytes]


def as_json(content: object) -> Answer:
    return 200, json.dumps(content).encode()


ANSWERS: dict[str, Answer] = {
    "update: message, empty props": as_json({"update": {"message": "muted", "props": {}}}),
    "update: message only": as_json({"update": {"message": "muted 2"}}),
    "update: other attachments": as_json(
        {"update": {"message": "muted 3", "props": {"attachments": [{"text": "u"}]}}}
    ),
    "answer: empty answer": (200, b""),
    "answer: not JSON": (200, b"nope"),
    "answer: status 500": (500, b"{}"),
    "answer: status 403": (403, b"{}"),
    "answer: error text": as_json({"error": {"message": "no"}}),
    "answer: redirect": (302, b""),
}
CHANGED: dict[str, tuple[str, dict[str, Any]]] = {
    "update: message, empty props": ("muted", {}),
    "update: message only": ("muted 2", {"attachments": ["t"], "from_x": 1}),
    "update: other attachments": ("muted 3", {"attachments": ["u"]}),
}
"""What is left of the post then, as observed: of boxes their texts."""


@dataclass
class Integration:
    """The server that a button asks."""

    answer: Answer = (200, b"{}")
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def integration() -> Iterator[Integration]:
    made = Integration()

    class Answers(Handler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            made.requests.append((self.command, dict(self.headers), json.loads(body or b"null")))
            status, content = made.answer
            self.send_response_only(status)
            if status == 302:
                made.answer = (200, b"{}")
                self.send_header("Location", made.url)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _handle

    server = Loopback(Answers)
    made.url = server.url
    yield made
    server.stop()


@dataclass
class World:
    """A server with a team, a channel, a bot in it, alice who is there and carol who is not."""

    server: MattermostServer
    integration: Integration
    replay: Replay = field(default_factory=Replay)

    def furnish(self) -> None:
        server, ids = self.server, self.replay.ids
        team = server.api("POST", "/teams", {"name": "dev", "display_name": "Dev", "type": "O"})["id"]
        wanted = {"team_id": team, "name": "bots", "display_name": "bots", "type": "P"}
        channel = server.api("POST", "/channels", wanted)["id"]
        allowed = {"AllowedUntrustedInternalConnections": "127.0.0.1"}
        server.api("PUT", "/config/patch", {"ServiceSettings": allowed | {"EnableBotAccountCreation": True}})
        bot = server.api("POST", "/bots", {"username": "passerelle"})["user_id"]
        token = server.api("POST", f"/users/{bot}/tokens", {"description": "relay"})["token"]
        people = {"relay": bot, **{name: server.add_user(name) for name in ("alice", "carol")}}
        for name, identity in people.items():
            server.api("POST", f"/teams/{team}/members", {"team_id": team, "user_id": identity})
            if name != "carol":
                server.api("POST", f"/channels/{channel}/members", {"user_id": identity})
        self.replay.tokens |= {"relay": token, **{name: server.login(name) for name in ("alice", "carol")}}
        ids |= {"chanbots000000000000000001": channel, "team0000000000000000000001": team}
        ids |= {"id000000000000000000000004": bot, "alice000000000000000000001": people["alice"]}

    def ours(self, exchange: Exchange) -> Exchange:
        """The exchange with our addresses in the place of recorded ones."""
        ours: Exchange = json.loads(json.dumps(exchange).replace(INTEGRATION, self.integration.url))
        return ours


@pytest.fixture
def world(tmp_path: Path, integration: Integration) -> Iterator[World]:
    with running(tmp_path, "--version", "5.37") as server:
        server.add_user("admin")
        server.token = server.login("admin")
        made = World(server, integration)
        made.furnish()
        yield made


def test_buttons_are_pressed_as_recorded(world: World) -> None:
    """One story, in its order: each exchange rests on those before."""
    replay, server, found = world.replay, world.server, dict[str, list[str]]()
    shown = world.ours(RECORDED[0])["request"]["body"]
    for recorded in RECORDED:
        title, exchange = recorded["name"], world.ours(recorded)
        if title in NOT_MODELLED:
            continue
        if recorded.get("direction"):
            method, headers, body = world.integration.requests[-1]
            found[title] = replay.values(exchange["request"]["body"], body, "sent", strict=True)
            assert method == "POST"
            for name in ("User-Agent", "Accept", "Content-Type"):
                assert headers[name] == exchange["request"]["headers"][name]
            assert "Authorization" not in headers
            continue
        if title == "internal address not allowed":
            refused = {"ServiceSettings": {"AllowedUntrustedInternalConnections": ""}}
            server.api("PUT", "/config/patch", refused)
        before = len(world.integration.requests)
        world.integration.answer = ANSWERS.get(title, as_json({"ephemeral_text": "only you @all"}))
        answered = replay.send(server, exchange, SENDERS.get(title, "alice"))
        found[title] = replay.compare(exchange, answered)
        asked = len(world.integration.requests) > before
        is_press = "/actions/" in exchange["request"]["path"]
        refused_before = title in (
            "pressed by a user outside the channel",
            "unknown action",
            "internal address not allowed",
        )
        assert asked == (is_press and not refused_before), title
        if title in CHANGED:
            _check_change(world, *CHANGED[title])
            # The bot puts its buttons back, which go on by the same ids.
            post = replay.ids["id000000000000000000000236"]
            server.api("PUT", f"/posts/{post}/patch", {"props": shown["props"]}, token=replay.tokens["relay"])
    assert {title: differences for title, differences in found.items() if differences} == {}
    assert set(NOT_MODELLED) <= {exchange["name"] for exchange in RECORDED}


def _check_change(world: World, message: str, props: dict[str, Any]) -> None:
    post = world.server.api("GET", f"/posts/{world.replay.ids['id000000000000000000000236']}")
    there = post["props"]
    if "attachments" in there:
        there["attachments"] = [box["text"] for box in there["attachments"]]
    there.pop("from_bot", None)
    assert (post["message"], there, post["edit_at"] > 0) == (message, props, True)


@pytest.mark.parametrize(
    ("deleted", "action", "body", "status", "code"),
    [
        (True, "mute", {}, 404, "app.post.get.app_error"),
        (True, "nope", {}, 404, "app.post.get.app_error"),
        (False, "nope", {}, 404, "api.post.do_action.action_id.app_error"),
        (False, "mute", {"cookie": "made up"}, 400, "api.post.do_action.action_integration.app_error"),
    ],
)
def test_what_cannot_be_pressed_asks_nobody(
    world: World, deleted: bool, action: str, body: dict[str, str], status: int, code: str
) -> None:
    """As a real 5.37 answers (measured): a post that is gone, another button, a cookie that it has not made."""
    replay, server = world.replay, world.server
    wanted = world.ours(RECORDED[0])["request"]["body"] | {
        "channel_id": replay.ids["chanbots000000000000000001"]
    }
    post = server.api("POST", "/posts", wanted, token=replay.tokens["relay"])["id"]
    if deleted:
        server.api("DELETE", f"/posts/{post}")
    path = f"/api/v4/posts/{post}/actions/{action}"
    answer = server.request("POST", path, body, token=replay.tokens["alice"])
    assert (answer.status_code, answer.json()["id"]) == (status, code)
    assert world.integration.requests == []


def test_who_is_not_in_a_public_channel_does_not_press_there(world: World) -> None:
    """As on a real 5.37 (measured), though they may read it; and nobody chooses something of a button."""
    replay, server = world.replay, world.server
    team, ids = replay.ids["team0000000000000000000001"], replay.ids
    wanted = {"team_id": team, "name": "open", "display_name": "open", "type": "O"}
    channel = server.api("POST", "/channels", wanted)["id"]
    for member in (ids["id000000000000000000000004"], ids["alice000000000000000000001"]):
        server.api("POST", f"/channels/{channel}/members", {"user_id": member})
    wanted = world.ours(RECORDED[0])["request"]["body"] | {"channel_id": channel}
    post = server.api("POST", "/posts", wanted, token=replay.tokens["relay"])["id"]
    path, body = f"/api/v4/posts/{post}/actions/mute", {"selected_option": "a"}
    answers = {
        name: server.request("POST", path, body, token=replay.tokens[name]).status_code
        for name in ("carol", "alice")
    }
    assert answers == {"carol": 403, "alice": 200}
    ((_, _, asked),) = world.integration.requests
    assert asked["context"] == wanted["props"]["attachments"][0]["actions"][0]["integration"]["context"]


@pytest.fixture
def page(world: World) -> str:
    """The page of the channel, with a post that has buttons."""
    replay, exchange = world.replay, world.ours(RECORDED[0])
    made = replay.send(world.server, exchange, "relay")
    replay.ids["id000000000000000000000236"] = made.json()["id"]
    return "/dev/channels/bots"


def press_on_page(world: World, person: str, action: str) -> str:
    """Press a button on the page, as a person; the page afterwards."""
    post = world.replay.ids["id000000000000000000000236"]
    answer = world.server.http.post(
        f"{world.server.url}/dev/pl/{post}/actions", data={"person": person, "action": action}, timeout=20
    )
    assert answer.status_code == 200
    return answer.text


def test_the_page_shows_buttons_and_what_a_press_answers_to_one_person(world: World, page: str) -> None:
    assert '<button name="action" value="mute">Mute</button>' in world.server.request("GET", page).text
    world.integration.answer = as_json({"ephemeral_text": "**rien que vous** <b>"})
    shown = press_on_page(world, "alice", "mute")
    assert "<strong>rien que vous</strong> &lt;b&gt;" in shown
    assert "Visible par alice seulement" in shown
    asked = world.integration.requests[-1][2]
    assert (asked["user_name"], asked["type"], asked["context"]) == (
        "alice",
        "button",
        {"secret": "s3cr3t", "mr": 7},
    )


def test_the_page_shows_them_on_a_phone_without_sideways_scrolling(world: World, page: str) -> None:
    program = browser.find()
    if program is None:
        pytest.skip("no browser is installed here")
    with Browser(program, None, "fr") as tab:
        tab.resize(390, 844)
        tab.open(f"{world.server.url}{page}")
        wait_until("the page is there", lambda: tab.evaluate("() => document.readyState") == "complete")
        wide, sight = tab.evaluate(
            "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= sight == 390
        right = (
            "() => Math.max(...[...document.querySelectorAll('.actions > *')]"
            ".map(one => one.getBoundingClientRect().right))"
        )
        assert 0 < tab.evaluate(right) <= 390


@pytest.mark.parametrize(
    ("person", "action", "shown"),
    [
        ("carol", "mute", "do not have the appropriate permissions"),
        ("nobody", "mute", "Unable to find the user"),
        ("alice", "nosuch", "Invalid action id"),
    ],
)
def test_the_page_shows_why_a_press_is_refused(
    world: World, page: str, person: str, action: str, shown: str
) -> None:
    assert shown in press_on_page(world, person, action)
    assert world.integration.requests == []
