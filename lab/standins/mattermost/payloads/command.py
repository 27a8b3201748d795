"""A slash command as the API shows it, what is asked of its integration, and what that answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from lab.standins.mattermost.payloads.gojson import NOT_JSON, loads
from lab.standins.mattermost.payloads.incoming_webhook import attachments
from lab.standins.mattermost.state.store import Row

TEXTS = ("trigger", "method", "username", "icon_url", "auto_complete_desc", "auto_complete_hint")
_SECRET = ("token", "creator_id", "method", "username", "icon_url", "url")
_ANSWER_TEXTS = ("response_type", "text", "username", "channel_id", "icon_url", "type")


class Unreadable(Exception):
    """An answer that is no JSON although it says so."""


def to_json(command: Row) -> dict[str, object]:
    """As those see it who may manage it."""
    return {**command, "auto_complete": bool(command["auto_complete"]), "plugin_id": ""}


def for_everybody(command: Row) -> dict[str, object]:
    """As it is shown to who types: without what its integration proves itself with."""
    return to_json(command) | dict.fromkeys(_SECRET, "")


def form(fields: dict[str, list[str]]) -> str:
    """The body of a request, in Go's order."""
    return urlencode([(key, value) for key in sorted(fields) for value in fields[key]])


@dataclass(frozen=True)
class Answer:
    """What an integration answers; `values` as the API shows them."""

    values: dict[str, Any]

    @property
    def text(self) -> str:
        return str(self.values["text"])

    @property
    def is_public(self) -> bool:
        """Whether it is posted for everybody: whatever else it says is for who asked alone."""
        return bool(self.values["response_type"] == "in_channel")

    @property
    def is_empty(self) -> bool:
        return not self.text and not self.values["attachments"]

    @property
    def others(self) -> list[Answer]:
        """What it says besides."""
        return [Answer(each) for each in self.values["extra_responses"] or ()]


def answer(content_type: str, body: bytes, trigger_id: str = "") -> Answer:
    """What an integration answers: JSON if it says so, text otherwise. Unreadable."""
    if content_type.partition(";")[0].strip() != "application/json":
        return Answer(_values({"text": body.decode(errors="replace")}, trigger_id))
    given = loads(body)
    if given is NOT_JSON or not isinstance(given, dict):
        raise Unreadable
    return Answer(_values(given, trigger_id))


def _values(given: dict[str, Any], trigger_id: str) -> dict[str, Any]:
    if any(not isinstance(given.get(key) or "", str) for key in _ANSWER_TEXTS):
        raise Unreadable
    texts = {key: given.get(key) or "" for key in _ANSWER_TEXTS}
    others = given.get("extra_responses")
    boxes = given.get("attachments")
    return texts | {
        "props": given.get("props"),
        "goto_location": given.get("goto_location") or "",
        "trigger_id": trigger_id,
        "skip_slack_parsing": bool(given.get("skip_slack_parsing")),
        "attachments": attachments(boxes) if boxes else None,
        "extra_responses": [_values(each, "") for each in others] if others else None,
    }
