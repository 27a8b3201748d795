"""The payload of ``POST /hooks/{id}``: decoding and Slack's markup.

JSON whatever the Content-Type says, except a form (JSON in its field ``payload``) and multipart (one field
each). Keys match without regard to case and unknown ones are ignored, as Go's decoder does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from lab.standins.mattermost.payloads.gojson import loads, sprint
from lab.standins.mattermost.state.store import Store, new_id

_ACTION_TEXTS = ("id", "type", "name", "style", "data_source", "default_option")
_ATTACHMENT_TEXTS = (
    "fallback",
    "color",
    "pretext",
    "author_name",
    "author_link",
    "author_icon",
    "title",
    "title_link",
    "text",
    "image_url",
    "thumb_url",
    "footer",
    "footer_icon",
)
_LINK = re.compile(r"<([^\n<|>]+)\|([^|\n>]+)>")
# Attachments have another one, which several lines can make.
_ATTACHMENT_LINK = re.compile(r"<([^<|]+)\|([^>]+)>")
_USER = re.compile(r"<@([A-Za-z0-9]+)>")
_ANNOUNCEMENT = re.compile("<!(channel|here|all)>")


FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
FORMS = {FORM, MULTIPART}


class Undecodable(Exception):
    """The body is no payload. ``id`` is the error of 5.37."""

    id = "model.incoming_hook.parse_data.app_error"


class UnknownField(Undecodable):
    """A multipart body with a field that no payload has."""

    id = "api.webhook.incoming.error"


@dataclass(frozen=True)
class Payload:
    """A decoded payload; attachments have all of Mattermost's keys."""

    text: str = ""
    username: str = ""
    icon_url: str = ""
    icon_emoji: str = ""
    channel: str = ""
    type: str = ""
    props: dict[str, Any] = field(default_factory=dict)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    priority: dict[str, Any] | None = None


_TEXTS = ("text", "username", "icon_url", "icon_emoji", "channel", "type")


def decode(content_type: str, body: bytes) -> Payload:
    """Decode a request's body. JSON null is the empty payload."""
    media_type = media_type_of(content_type)
    if media_type == MULTIPART:
        return _from_multipart(content_type, body)
    if media_type == FORM:
        pairs = (pair.partition(b"=") for pair in body.split(b"&"))
        body = next(
            (unquote_plus(value.decode()).encode() for key, _, value in pairs if key == b"payload"), b""
        )
    value = loads(body)
    if value is None:
        return Payload()
    given = _object(value)
    fields: dict[str, Any] = {key: _typed(given.get(key), str) for key in _TEXTS}
    attachments = _typed(given.get("attachments"), list)
    return Payload(
        **fields,
        props=_typed(given.get("props"), dict),
        attachments=[_attachment(item) for item in attachments if item is not None],
        priority=_typed(given["priority"], dict) if given.get("priority") is not None else None,
    )


def media_type_of(content_type: str) -> str:
    """The media type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def _from_multipart(content_type: str, body: bytes) -> Payload:
    boundary = re.search(r'boundary="?([^";]+)', content_type)
    fields: dict[str, str] = {}
    for part in body.split(b"--" + boundary[1].encode())[1:-1] if boundary else ():
        head, _, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        if name is None or name[1].decode(errors="replace") not in _TEXTS:
            raise UnknownField
        fields[name[1].decode()] = value.removesuffix(b"\r\n").decode(errors="replace")
    return Payload(**fields)  # type: ignore[arg-type]  # only names of text fields


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Undecodable
    return {key.lower(): item for key, item in value.items()}


def _typed(value: Any, kind: type) -> Any:
    """The value if it is of this type; null is the type's zero value; anything else is no payload."""
    if value is None:
        return kind()
    if type(value) is not kind:
        raise Undecodable
    return value


def attachments(value: object) -> list[dict[str, Any]] | None:
    """The attachments of a post of the API, with all of Mattermost's keys; None if they are none."""
    try:
        return [_attachment(item) for item in _typed(value, list)]
    except Undecodable:
        return None


def _attachment(value: Any) -> dict[str, Any]:
    given = _object(value)
    attachment: dict[str, Any] = {key: _typed(given.get(key), str) for key in _ATTACHMENT_TEXTS}
    fields = [_field(item) for item in _typed(given.get("fields"), list) if item is not None]
    actions = [_action(item) for item in _typed(given.get("actions"), list) if item is not None]
    attachment |= {"actions": actions} if actions else {}
    return attachment | {
        "id": _typed(given.get("id"), int),
        "fields": None if given.get("fields") is None else fields,
        "ts": given.get("ts"),
    }


def _action(value: Any) -> dict[str, Any]:
    """A button or a menu; what there is no word of is left out. Without an `id` it gets one."""
    given = _object(value)
    action: dict[str, Any] = {key: _typed(given.get(key), str) for key in _ACTION_TEXTS} | {
        "options": _typed(given.get("options"), list),
        "integration": _typed(given.get("integration"), dict),
    }
    return {key: value for key, value in action.items() if value} | {"id": action["id"] or new_id()}


def _field(value: Any) -> dict[str, Any]:
    given = _object(value)
    text = given.get("value")
    short = given.get("short")
    if not isinstance(short, bool | str | None):
        raise Undecodable
    return {
        "title": _typed(given.get("title"), str),
        "value": None if text is None else sprint(text),
        "short": short is True or (isinstance(short, str) and short.lower() == "true"),
    }


def expand_slack(store: Store, text: str) -> str:
    """Slack's announcements and user ids as Mattermost's mentions."""

    def username(match: re.Match[str]) -> str:
        user = store.get("users", match[1])
        return f"@{user['username']}" if user else match[0]

    return _USER.sub(username, _ANNOUNCEMENT.sub(r"@\1", text))


def expand_links(text: str) -> str:
    """Slack's ``<url|text>`` as a Markdown link, inside code spans too."""
    return _LINK.sub(r"[\2](\1)", text)


def expand_attachment_links(text: str) -> str:
    """The same in the parts of an attachment."""
    return _ATTACHMENT_LINK.sub(r"[\2](\1)", text)


def expand_attachment(store: Store, attachment: dict[str, Any]) -> None:
    """Slack's markup in the parts of an attachment where Mattermost looks for it."""
    for key in ("pretext", "text", "title"):
        attachment[key] = expand_slack(store, attachment[key])
    for key in ("pretext", "text"):
        attachment[key] = expand_attachment_links(attachment[key])
    for part in attachment["fields"] or ():
        if part["value"] is not None:
            part["value"] = expand_attachment_links(expand_slack(store, part["value"]))
