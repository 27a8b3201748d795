"""Custom emoji: made from an uploaded picture, found by name, gone for good when deleted."""

from __future__ import annotations

import re
from email.parser import BytesParser
from email.policy import HTTP

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.payloads.gojson import loads
from lab.standins.mattermost.payloads.ok import OK
from lab.standins.mattermost.state import custom_emoji
from lab.standins.mattermost.state.emoji import EMOJI
from lab.standins.mattermost.state.errors import ApiError, forbidden, invalid_body
from lab.standins.mattermost.state.store import Row, new_id

_LONGEST = 2 * 1024 * 1024
_NAME = re.compile(r"[a-zA-Z0-9+_-]{1,64}")
_MOST_FOUND = 200


def create(call: Call) -> Response:
    """Multipart: `emoji`, an object with name and creator, and `image`."""
    _refuse_disabled(call)
    most = call.instance.release.emoji_kilobytes
    if len(call.body) > most * 1024:
        size = f"{most} KB" if most < 1024 else f"{most // 1024} MB"
        raise ApiError("api.emoji.create.too_large.app_error", 413, size=size)
    parts = _parts(call)
    wanted = loads(parts.get("emoji", b""))
    if not isinstance(wanted, dict):
        raise invalid_body("emoji")
    name = str(wanted.get("name", ""))
    if not _NAME.fullmatch(name):
        raise ApiError("model.emoji.name.app_error", 400)
    if name in EMOJI:
        raise ApiError(call.instance.release.system_emoji_id, 400)
    if wanted.get("creator_id") != call.user["id"]:
        raise ApiError("api.emoji.create.other_user.app_error", 403)
    if custom_emoji.path_of(call.instance, name):
        raise ApiError("api.emoji.create.duplicate.app_error", 400)
    if "image" not in parts:
        raise invalid_body("createEmoji")
    if custom_emoji.kind(parts["image"]) is None:
        raise ApiError("api.emoji.upload.image.app_error", 400)
    now = call.store.now()
    made: Row = {
        "id": new_id(),
        "create_at": now,
        "update_at": now,
        "delete_at": 0,
        "creator_id": call.user["id"],
    }
    call.store.insert("emoji", {**made, "name": name, "image": parts["image"]})
    return JSONResponse({**made, "name": name})


def search(call: Call) -> Response:
    """By a part of the name, or by its beginning."""
    _refuse_disabled(call)
    wanted = call.fields("term", {"term": str, "prefix_only": bool})
    if not wanted["term"]:
        raise invalid_body("term")
    term = re.sub(r"([%_\\])", r"\\\1", wanted["term"])
    rows = call.store.all(
        f"SELECT {_SHOWN} FROM emoji WHERE delete_at = 0 AND name LIKE ? ESCAPE '\\' ORDER BY name LIMIT ?",  # noqa: S608
        f"{term}%" if wanted["prefix_only"] else f"%{term}%",
        _MOST_FOUND,
    )
    return JSONResponse(rows)


def delete(call: Call) -> Response:
    """By its creator or an administrator; posts that bore it are left without."""
    found = _found(call)
    if found["creator_id"] != call.user["id"] and not call.is_admin:
        raise forbidden()
    call.store.update("emoji", found["id"], {"delete_at": call.store.now()})
    return JSONResponse(OK)


def image(call: Call) -> Response:
    """The picture as it was uploaded; the server makes a large one smaller."""
    content = _found(call)["image"]
    return Response(content, media_type=f"image/{custom_emoji.kind(content)}")


_SHOWN = "id, create_at, update_at, delete_at, creator_id, name"


def _found(call: Call) -> Row:
    _refuse_disabled(call)
    found = call.store.get("emoji", call.id("emoji_id"))
    if found is None or found["delete_at"]:
        raise ApiError("app.emoji.get.no_result", 404)
    return found


def _refuse_disabled(call: Call) -> None:
    if not call.instance.config.service("EnableCustomEmoji"):
        raise ApiError("api.emoji.disabled.app_error", 501)


def _parts(call: Call) -> dict[str, bytes]:
    head = f"Content-Type: {call.request.headers.get('Content-Type', '')}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + call.body)
    if not message.is_multipart():
        raise ApiError("api.emoji.create.parse.app_error", 400)
    found = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        found[str(name)] = bytes(part.get_payload(decode=True) or b"")
    return found


routes = [
    endpoint("POST", "/emoji", create, longest=_LONGEST),
    endpoint("POST", "/emoji/search", search),
    endpoint("GET", "/emoji/{emoji_id}/image", image),
    endpoint("DELETE", "/emoji/{emoji_id}", delete),
]
