"""Presses of buttons as Mattermost sends them, to a relay whose posts have some."""

from collections.abc import Mapping
from typing import Any

import requests

from tests.relays.bot_sink import TEAM, BotSink, Written
from tests.relays.process import Relay
from tests.relays.slash import ALICE

ADDRESS = "http://relay.example.invalid:8055/mattermost/action"
SETTING = f'buttons = "{ADDRESS}"'
"""Belongs into the table of commands (commanded.bot)."""


def buttons(post: Written) -> dict[str, dict[str, Any]]:
    """The buttons of a post by their actions, as Mattermost has them."""
    boxes = post.props.get("attachments") or []
    return {action["id"]: action for box in boxes for action in box.get("actions", [])}


def request_of(
    chat: BotSink, post: Written, action: str, user_id: str = ALICE, **changes: Any
) -> dict[str, Any]:
    """What Mattermost sends when a button is pressed, as recorded."""
    return {
        "user_id": user_id,
        "user_name": "whoever",
        "channel_id": chat.ids[post.channel],
        "channel_name": post.channel,
        "team_id": "team0000000000000000000001",
        "team_domain": TEAM,
        "post_id": post.id,
        "trigger_id": "x",
        "type": "button",
        "data_source": "",
        "context": buttons(post)[action]["integration"]["context"],
        **changes,
    }


def send_press(relay: Relay, body: Mapping[str, Any] | bytes, method: str = "POST") -> requests.Response:
    """One request to the address of presses."""
    url = f"http://127.0.0.1:{relay.port}/mattermost/action"
    given: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
    return requests.request(method, url, headers={"Connection": "close"}, timeout=30, **given)


def press(
    relay: Relay, chat: BotSink, post: Written, action: str, user_id: str = ALICE, **changes: Any
) -> str:
    """What a press is answered: something for who has pressed alone, and nothing that changes the post."""
    answer = send_press(relay, request_of(chat, post, action, user_id, **changes))
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    assert set(content) == {"ephemeral_text", "skip_slack_parsing"}
    return str(content["ephemeral_text"])
