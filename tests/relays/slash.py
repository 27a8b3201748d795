"""Slash commands as Mattermost sends them, to a relay that answers them."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests

from relays.mattermost import markup
from relays.wording import CATALOGUES, Wording
from tests.relays.bot_sink import TEAM, BotSink, later_answer, number_of
from tests.relays.process import Relay
from tests.waiting import wait_until

COMMAND_TOKEN = "command6token1of8the5sink"
ALICE, BOB = "alice000000000000000000001", "bob00000000000000000000001"
RESPONSE = "resp0000000000000000000001"
_NUMBERS = itertools.count()
DEV, HOME = number_of("dev"), number_of("home")


def settings(url: str, *operators: str) -> str:
    """The table of settings that has commands answered."""
    named = ", ".join(f'"{name}"' for name in operators)
    return f'[commands]\nurl = "{url}"\nteam = "{TEAM}"\noperators = [{named}]\n'


def hand_token(home: Path, *tokens: str) -> None:
    """Hand the relay the tokens of its commands, or the one that requests of `form` bear."""
    lines = "".join(f"{each}\n" for each in tokens or (COMMAND_TOKEN,))
    (home / "credentials" / "mattermost-command-token").write_text(lines)


def form(text: str = "", **changes: str) -> dict[str, str]:
    """The fields of a request, as recorded."""
    return {
        "channel_id": number_of(changes.get("channel_name", "dev")),
        "channel_name": "dev",
        "command": "/passerelle",
        "response_url": f"http://people.example.invalid/hooks/commands/{RESPONSE}",
        "team_domain": TEAM,
        "team_id": "team0000000000000000000001",
        "text": text,
        "token": COMMAND_TOKEN,
        "trigger_id": "x",
        "user_id": ALICE,
        "user_name": "alice",
        **changes,
    }


def ask(relay: Relay, text: str = "", **changes: str) -> str:
    """What a command is answered, at once or later; it has to be for one person."""
    response = f"{RESPONSE}{next(_NUMBERS)}"
    given = {"response_url": f"http://people.example.invalid/hooks/commands/{response}"} | changes
    answer = post(relay, urlencode(form(text, **given)).encode())
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    assert content["response_type"] == "ephemeral"
    said = str(content["text"])
    # A machine that is busy may take longer than Mattermost is to wait.
    is_later = any(said == _later(wording, given) for wording in CATALOGUES.values())
    return wait_until("the later answer", lambda: later_answer(response)) or "" if is_later else said


def _later(wording: Wording, given: Mapping[str, str]) -> str:
    word = markup.code(form(**given)["command"], 64)
    return markup.fill(wording["command.later"], word=word)


def post(relay: Relay, body: bytes, method: str = "POST", **headers: str) -> requests.Response:
    """One request to the address of commands."""
    known = {"Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}
    url = f"http://127.0.0.1:{relay.port}/mattermost/command"
    return requests.request(method, url, data=body, headers={**known, **headers}, timeout=20)


def introduce(chat: BotSink, user_id: str, name: str, locale: str = "fr", **more: Any) -> None:
    """Somebody whom Mattermost knows."""
    chat.persons[user_id] = {
        "id": user_id,
        "username": name,
        "roles": "system_user",
        "locale": locale,
        "delete_at": 0,
        **more,
    }
