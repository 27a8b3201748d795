"""Posts of people and of bots: written, changed, deleted, read one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api import access
from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.payloads import post as payload
from lab.standins.mattermost.payloads.gojson import dumps
from lab.standins.mattermost.payloads.incoming_webhook import attachments
from lab.standins.mattermost.payloads.ok import OK
from lab.standins.mattermost.state import channels, members, posts
from lab.standins.mattermost.state.errors import ApiError, forbidden, invalid_body
from lab.standins.mattermost.state.store import Row

_KINDS = {
    **dict.fromkeys(("id", "channel_id", "message", "root_id", "pending_post_id", "type"), str),
    "props": dict,
    "create_at": int,
}


def create(call: Call) -> Response:
    """A post, or one that was made a moment ago under the same pending id. A person has read the channel then."""
    wanted = call.fields("post", _KINDS)
    if not wanted["channel_id"]:
        raise invalid_body("channel_id")
    channel = call.store.get("channels", wanted["channel_id"])
    if channel is None or not access.may_post(call, channel):
        raise forbidden()
    if channel["delete_at"]:
        raise ApiError("api.post.create_post.can_not_post_to_deleted.error", 400)
    if made := call.instance.pending.post_of(wanted["pending_post_id"]):
        known = call.store.get("posts", made)
        if known is None or known["delete_at"]:
            raise ApiError("api.post.deduplicate_create_post.failed_to_get", 500)
        return JSONResponse(payload.to_json(call.instance, known), 201)
    _check_root(call, channel, wanted["root_id"])
    props = _stored(wanted["props"])
    _check(call, wanted["message"], props)
    if wanted["id"]:
        raise ApiError("app.post.save.existing.app_error", 400)
    post = posts.insert(
        call.instance,
        channel,
        call.user,
        wanted["message"],
        type=wanted["type"],
        props=props,
        root_id=wanted["root_id"],
        at=wanted["create_at"] if call.is_admin else 0,
    )
    call.instance.pending.remember(wanted["pending_post_id"], post["id"])
    members.mark_read(call.store, channel["id"], call.user["id"])
    # Said this once; it is not stored.
    given = {"pending_post_id": wanted["pending_post_id"]}
    return JSONResponse(payload.to_json(call.instance, post) | given, 201)


def _check_root(call: Call, channel: Row, root_id: str) -> None:
    if not root_id:
        return
    root = call.store.get("posts", root_id)
    if root is None or root["delete_at"] or root["root_id"]:
        raise ApiError("api.post.create_post.root_id.app_error", 400)
    if root["channel_id"] != channel["id"]:
        raise ApiError("api.post.create_post.channel_root_id.app_error", 400)


def _stored(props: Mapping[str, Any]) -> dict[str, Any]:
    """Properties as they are kept; attachments that are none are nothing, without a word."""
    return (
        {**props, "attachments": attachments(props["attachments"])} if "attachments" in props else dict(props)
    )


def _check(call: Call, message: str, props: Mapping[str, Any]) -> None:
    if len(message) > posts.MAX_RUNES:
        raise ApiError(call.instance.release.too_long_id, 400)
    if len(dumps(props)) > call.instance.release.stored_props:
        raise ApiError("model.post.is_valid.props.app_error", 400)
    if "\0" in message:  # PostgreSQL cannot store it
        raise ApiError("app.post.save.app_error", 500)


def patch(call: Call) -> Response:
    """Change what is given, properties as a whole."""
    given = call.json_object("post")
    kinds = {"message": str, "props": dict, "is_pinned": bool}
    return _change(call, {key: given[key] for key, kind in kinds.items() if type(given.get(key)) is kind})


def update(call: Call) -> Response:
    """Change message and properties, both."""
    wanted = call.fields("post", {"message": str, "props": dict})
    return _change(call, wanted)


def _change(call: Call, changes: Mapping[str, Any]) -> Response:
    post = call.store.get("posts", call.id("post_id"))
    if post is None or post["delete_at"]:
        raise forbidden()
    channel = channels.find(call.store, post["channel_id"])
    if not access.may_post(call, channel) or (post["user_id"] != call.user["id"] and not call.is_admin):
        raise forbidden()
    if channel["delete_at"]:
        raise ApiError("api.post.patch_post.can_not_update_post_in_deleted.error", 400)
    seconds = call.instance.config.service("PostEditTimeLimit")
    is_late = call.store.now() > post["create_at"] + seconds * 1000
    if "message" in changes and call.instance.release.edit_time_limit and seconds >= 0 and is_late:
        raise ApiError("api.post.update_post.permissions_time_limit.app_error", 400, seconds=seconds)
    stored = {**changes, "props": _stored(changes["props"])} if "props" in changes else dict(changes)
    _check(call, stored.get("message", ""), stored.get("props", {}))
    return JSONResponse(payload.to_json(call.instance, posts.edit(call.instance, channel, post, stored)))


def pin(call: Call) -> Response:
    """Any member may."""
    return _pin(call, is_pinned=True)


def unpin(call: Call) -> Response:
    """Any member may."""
    return _pin(call, is_pinned=False)


def _pin(call: Call, *, is_pinned: bool) -> Response:
    post = readable(call, call.id("post_id"))
    posts.edit(call.instance, channels.find(call.store, post["channel_id"]), post, {"is_pinned": is_pinned})
    return JSONResponse(OK)


def readable(call: Call, post_id: str) -> Row:
    """The post, if it is there and the caller may read it."""
    post = call.store.get("posts", post_id)
    if post is None or post["delete_at"]:
        raise ApiError("app.post.get.app_error", 404)
    if not access.may_read(call, channels.find(call.store, post["channel_id"])):
        raise forbidden()
    return post


def get(call: Call) -> Response:
    post = readable(call, call.id("post_id"))
    return JSONResponse(payload.to_json(call.instance, post, alone=True))


def delete(call: Call) -> Response:
    """Delete a post, with its thread if it is a root."""
    post = call.store.get("posts", call.id("post_id"))
    if post is None or post["delete_at"] or (post["user_id"] != call.user["id"] and not call.is_admin):
        raise forbidden()
    if channels.find(call.store, post["channel_id"])["delete_at"]:
        raise ApiError("api.post.delete_post.can_not_delete_post_in_deleted.error", 400)
    posts.delete(call.store, post)
    return JSONResponse(OK)


routes = [
    endpoint("POST", "/posts", create),
    endpoint("GET", "/posts/{post_id}", get),
    endpoint("PUT", "/posts/{post_id}", update),
    endpoint("PUT", "/posts/{post_id}/patch", patch),
    endpoint("POST", "/posts/{post_id}/pin", pin),
    endpoint("POST", "/posts/{post_id}/unpin", unpin),
    endpoint("DELETE", "/posts/{post_id}", delete),
]
