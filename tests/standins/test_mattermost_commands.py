"""Slash commands of the stand-in: what a real 5.37 answered and asked (recording 23), and who sees what of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.relays.loopback import Handler, Loopback
from tests.standins.mattermost_replay import Exchange, Replay, recording
from tests.standins.mattermost_server import MattermostServer, running

RECORDED = recording("23")["exchanges"]
SITE_URL = "http://127.0.0.1:19065"
INTEGRATION = "http://127.0.0.1:19066"
NOT_MODELLED = {
    "autocomplete by a member": "the built-in commands among them",
    "answer after 40 s": "half a minute of waiting; the limit is urllib's timeout",
}
MEMBER, STRANGER, BOT = "alice", "carol", "relay"
SENDERS = {
    "create: administrator": "admin",
    "list by a member": MEMBER,
    "by a user who is not in the channel": STRANGER,
    "by the bot": BOT,
    "by the administrator": "admin",
}


@dataclass
class Integration:
    """The server that a command asks: `answer` is a status, a content type and a body."""

    answer: tuple[int, str, bytes] = (200, "text/plain", b"")
    location: str = ""
    requests: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def integration() -> Iterator[Integration]:
    made = Integration()

    class Answers(Handler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            made.requests.append((self.command, self.path, dict(self.headers), body))
            status, kind, content = made.answer
            self.send_response_only(status)
            if status == 302:
                made.answer = (200, "text/plain", b"")
                self.send_header("Location", made.location)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _handle

    server = Loopback(Answers)
    made.url = made.location = server.url
    yield made
    server.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MattermostServer]:
    with running(tmp_path, "--version", "5.37", "--site-url", SITE_URL) as started:
        started.add_user("admin")
        started.token = started.login("admin")
        yield started


def as_json(content: object) -> tuple[int, str, bytes]:
    return 200, "application/json", json.dumps(content).encode()


ANSWERS: dict[str, tuple[int, str, bytes]] = {
    "plain text answer": (200, "text/plain", "only text é".encode()),
    "empty answer": (200, "text/plain", b""),
    "empty JSON object": as_json({}),
    "bad JSON": (200, "application/json", b"{"),
    "status 500": (500, "text/plain", b""),
    "status 204": (204, "text/plain", b""),
    "redirect": (302, "text/plain", b""),
    "response_type unknown": as_json({"response_type": "x", "text": "t"}),
    "20 000 runes ephemeral": as_json({"text": "é" * 20_000}),
    "20 000 runes in_channel": as_json({"response_type": "in_channel", "text": "é" * 20_000}),
    "in_channel answer": as_json(
        {
            "response_type": "in_channel",
            "text": "said @alice <http://x.invalid|l>",
            "username": "Other",
            "props": {"k": 1},
            "attachments": [{"text": "att"}],
        }
    ),
    "extra_responses": as_json(
        {"text": "one", "extra_responses": [{"response_type": "in_channel", "text": "two"}]}
    ),
    "goto_location": as_json({"text": "g", "goto_location": "https://example.invalid"}),
    "another channel of the caller": as_json(
        {"response_type": "in_channel", "text": "elsewhere", "channel_id": "chanpriv000000000000000001"}
    ),
    "skip_slack_parsing": as_json({"text": "<http://a.invalid|b>", "skip_slack_parsing": True}),
    "in_channel with overrides on": as_json({"response_type": "in_channel", "text": "named"}),
    "for response_url": as_json({"text": "later"}),
    "for response_url 2": as_json({"text": "later"}),
    "answer after 5 s": as_json({"text": "slow"}),
    "with the new token": as_json({"text": "x"}),
    "GET method": as_json({"text": "x"}),
}
HELLO = as_json({"response_type": "ephemeral", "text": "hello @all"})


@dataclass
class Story:
    """The recorded story on a server, exchange after exchange."""

    server: MattermostServer
    integration: Integration
    replay: Replay = field(default_factory=Replay)
    found: dict[str, list[str]] = field(default_factory=dict)

    def furnish(self) -> None:
        """What was there before the first exchange, under the ids that it was recorded with."""
        server, ids = self.server, self.replay.ids
        ids["admin000000000000000000001"] = server.api("GET", "/users/me")["id"]
        team = server.api("POST", "/teams", {"name": "dev", "display_name": "Dev", "type": "O"})["id"]
        ids["team0000000000000000000001"] = team
        for name in ("bots", "priv"):
            wanted = {"team_id": team, "name": name, "display_name": name, "type": "O"}
            ids[f"chan{name}000000000000000001"] = server.api("POST", "/channels", wanted)["id"]
        overrides = {"EnablePostUsernameOverride": True, "EnableBotAccountCreation": True}
        server.api("PUT", "/config/patch", {"ServiceSettings": overrides | {"EnablePostIconOverride": True}})
        bot = server.api("POST", "/bots", {"username": "passerelle"})["user_id"]
        self.replay.tokens[BOT] = server.api("POST", f"/users/{bot}/tokens", {"description": BOT})["token"]
        people = {MEMBER: server.add_user(MEMBER), STRANGER: server.add_user(STRANGER), BOT: bot}
        ids["alice000000000000000000001"] = people[MEMBER]
        for name, identity in people.items():
            server.api("POST", f"/teams/{team}/members", {"team_id": team, "user_id": identity})
            if name != STRANGER:
                for channel in ("bots", "priv"):
                    path = f"/channels/{ids[f'chan{channel}000000000000000001']}/members"
                    server.api("POST", path, {"user_id": identity})
        self.replay.tokens |= {"admin": server.token} | {
            name: server.login(name) for name in (MEMBER, STRANGER)
        }

    def run(self, exchange: Exchange) -> None:
        """Replay one and note where it differs."""
        title = exchange["name"]
        exchange = json.loads(json.dumps(exchange).replace(INTEGRATION, self.integration.url))
        if exchange["request"]["path"].startswith(("/cmd", "/?")):
            self._compare_request(exchange)
            return
        self._before(title)
        if exchange["request"]["path"].startswith("/hooks/commands/"):
            exchange["request"]["path"] = (
                f"/hooks/commands/{self._asked()['response_url'].rpartition('/')[2]}"
            )
        answer = ANSWERS.get(title, HELLO)
        # What the integration answers names things by our ids.
        self.integration.answer = (*answer[:2], self._ours(answer[2].decode()).encode())
        answered = self.replay.send(self.server, exchange, self._sender(exchange))
        # The recorder has cut the longest one.
        cut = {"text"} if title == "20 000 runes ephemeral" else set[str]()
        self.found[title] = self.replay.compare(exchange, answered, ignored=frozenset(cut))

    def _sender(self, exchange: Exchange) -> str:
        title, path = exchange["name"], exchange["request"]["path"]
        if title in SENDERS or title == "create: plain member":
            return SENDERS.get(title, MEMBER)
        return MEMBER if path.endswith(("/execute", "/autocomplete")) else "admin"

    def _ours(self, text: str) -> str:
        for recorded, ours in self.replay.ids.items():
            text = text.replace(recorded, ours)
        return text

    def _before(self, title: str) -> None:
        patch: dict[str, Any] = {}
        if title in ("create: commands off", "create: administrator"):
            patch = {"EnableCommands": title != "create: commands off"}
        elif title == "ephemeral answer":
            patch = {"AllowedUntrustedInternalConnections": "10.0.0.0/8 127.0.0.1"}
        if patch:
            self.server.api("PUT", "/config/patch", {"ServiceSettings": patch})
        if "minutes old" in title:
            minutes = int(title.split()[1])
            with sqlite3.connect(self.server.data / "mattermost.sqlite3") as db:
                db.execute(
                    "UPDATE command_responses SET create_at = unixepoch() * 1000 - ? WHERE id = ?",
                    (minutes * 60_000, self._asked()["response_url"].rpartition("/")[2]),
                )

    def _asked(self) -> dict[str, str]:
        """The fields of the last request to the integration."""
        return {key: value[0] for key, value in parse_qs(self.integration.requests[-1][3]).items()}

    def _compare_request(self, exchange: Exchange) -> None:
        """What the integration was asked: the same fields, in the same order, with values of ours."""
        recorded = exchange["request"]
        method, path, headers, body = self.integration.requests[-1]
        if method == "GET":
            body = path.partition("?")[2]
            recorded = recorded | {"body": recorded["path"].partition("?")[2]}
        found = [] if method == recorded["method"] else [f"method {method}"]
        theirs = [part.partition("=") for part in self._ours(recorded["body"]).split("&")]
        ours = [part.partition("=") for part in body.split("&")]
        if [name for name, *_ in theirs] != [name for name, *_ in ours]:
            found.append(f"fields {ours}, recorded {theirs}")
        for (name, _, there), (_, _, here) in zip(theirs, ours, strict=False):
            if "REDACTED" in there or name == "url":
                continue
            if there != here:
                found.append(f"{name}: {here}, recorded {there}")
        for name in ("Accept", "Content-Type", "User-Agent"):
            if name in recorded["headers"] and headers.get(name) != recorded["headers"][name]:
                found.append(f"{name}: {headers.get(name)}")
        if not headers["Authorization"].startswith("Token "):
            found.append("Authorization")
        self.found[exchange["name"]] = found


def test_commands_are_answered_as_recorded(server: MattermostServer, integration: Integration) -> None:
    """One story, in its order: each exchange rests on those before."""
    story = Story(server, integration)
    story.furnish()
    for exchange in RECORDED:
        if exchange["name"] not in NOT_MODELLED:
            story.run(exchange)
    assert {title: differences for title, differences in story.found.items() if differences} == {}
    assert set(NOT_MODELLED) <= {exchange["name"] for exchange in RECORDED}


@pytest.fixture
def chat(tmp_path: Path, integration: Integration) -> Iterator[MattermostServer]:
    """A server of today with a team, its command, a person of it and the word that leads to the integration."""
    with running(tmp_path) as server:
        server.add_user("admin")
        server.token = server.login("admin")
        server.api("PUT", "/config/patch", {"ServiceSettings": {"EnablePostUsernameOverride": True}})
        team = server.api("POST", "/teams", {"name": "dev", "display_name": "Dev", "type": "O"})["id"]
        alice = server.add_user("alice")
        server.api("POST", f"/teams/{team}/members", {"team_id": team, "user_id": alice})
        server.api(
            "POST",
            "/commands",
            {
                "team_id": team,
                "trigger": "passerelle",
                "url": integration.url,
                "method": "P",
                "username": "passerelle",
                "auto_complete": True,
                "auto_complete_hint": "[help | status]",
            },
        )
        allowed = {"AllowedUntrustedInternalConnections": "127.0.0.1"}
        server.api("PUT", "/config/patch", {"ServiceSettings": allowed})
        yield server


@pytest.mark.parametrize(("root", "status"), [("", 200), ("x" * 26, 200), ("x", 500), ("-" * 26, 500)])
def test_a_thread_that_cannot_be_one_fails_before_anybody_is_asked(
    chat: MattermostServer, integration: Integration, root: str, status: int
) -> None:
    """As on a real 5.37 (measured), which takes any number for that of a post."""
    integration.answer = as_json({"text": "x"})
    team = chat.api("GET", "/teams/name/dev")["id"]
    channel = chat.api("GET", f"/teams/{team}/channels/name/town-square")["id"]
    wanted = {"channel_id": channel, "team_id": team, "command": "/passerelle x", "root_id": root}
    answer = chat.request("POST", "/api/v4/commands/execute", wanted, token=chat.login("alice"))
    assert answer.status_code == status
    assert bool(integration.requests) == (status == 200)


PAGE = "/dev/channels/town-square"


def run_on_page(chat: MattermostServer, command: str, person: str = "alice") -> str:
    """Type a command on the page, as a person; the page afterwards."""
    answer = chat.http.post(
        f"{chat.url}{PAGE}/commands", data={"person": person, "command": command}, timeout=20
    )
    assert answer.status_code == 200
    return answer.text


def test_the_page_runs_a_command_and_shows_its_answer_to_one_person(
    chat: MattermostServer, integration: Integration
) -> None:
    assert "[help | status]" in chat.request("GET", PAGE).text
    integration.answer = as_json({"text": "**tout va bien** <b>"})
    page = run_on_page(chat, "/passerelle status")
    assert "<strong>tout va bien</strong> &lt;b&gt;" in page
    assert "Visible par alice seulement" in page
    asked = parse_qs(integration.requests[-1][3])
    assert (asked["text"], asked["user_name"]) == (["status"], ["alice"])
    channel = chat.api("GET", f"/channels/{asked['channel_id'][0]}")
    assert chat.posts(channel["id"]) == [], "nobody else reads it"
    later = chat.request(
        "POST",
        f"/hooks/commands/{asked['response_url'][0].rpartition('/')[2]}",
        {"text": "et après"},
        token="",
    )
    assert later.status_code == 200
    assert "et après" in chat.request("GET", PAGE).text


@pytest.mark.parametrize(
    ("command", "person", "shown"),
    [
        ("/nosuch", "alice", "not found"),
        ("passerelle", "alice", "Invalid or missing command"),
        ("/passerelle x", "nobody", "Unable to find the user"),
    ],
)
def test_the_page_shows_why_a_command_is_refused(
    chat: MattermostServer, command: str, person: str, shown: str
) -> None:
    assert shown in run_on_page(chat, command, person)


def test_a_person_has_a_language(chat: MattermostServer) -> None:
    alice = chat.api("GET", "/users/username/alice")
    assert alice["locale"] == "en"
    chat.api("PUT", f"/users/{alice['id']}/patch", {"locale": "fr"}, token=chat.login("alice"))
    assert chat.api("GET", f"/users/{alice['id']}")["locale"] == "fr"
    refused = chat.request(
        "PUT", f"/api/v4/users/{chat.api('GET', '/users/me')['id']}/patch", {}, token=chat.login("alice")
    )
    assert refused.status_code == 403
