"""``POST /hooks/{id}``: from a payload to posts in a channel."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import PlainTextResponse, Response

from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import handled
from lab.standins.mattermost.payloads import incoming_webhook as payload
from lab.standins.mattermost.payloads.gojson import dumps
from lab.standins.mattermost.payloads.incoming_webhook import Payload
from lab.standins.mattermost.state import channels, members, posts
from lab.standins.mattermost.state.errors import CLOSE, ApiError
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row

_DEFAULT_USERNAME = "webhook"
_KEPT_PROPS = {"override_icon_url", "override_username", "from_webhook"}
"""Props that the payload cannot set."""

NOT_FOUND = ("404 page not found\n", 404, {"X-Content-Type-Options": "nosniff"})


def receive(call: Call) -> Response:
    """Answer ``ok`` in plain text, or the error of the release.

    11.6 has one id for whatever goes wrong, and its message gives the hook's id away.
    """
    hook_id = call.path("hook_id")
    if not re.fullmatch("[A-Za-z0-9]+", hook_id):
        return PlainTextResponse(*NOT_FOUND)
    media_type = payload.media_type_of(call.request.headers.get("Content-Type", ""))
    wanted = _decoded(call, media_type, hook_id)
    try:
        _post(call.instance, hook_id, wanted)
    except ApiError as error:
        if call.instance.release.specific_hook_errors:
            raise
        general = "web.incoming_webhook.general.app_error"
        raise ApiError(general, error.status, media_type=media_type, hook_id=hook_id) from error
    return PlainTextResponse("ok", headers={"Content-Type": "text/plain"})


def _decoded(call: Call, media_type: str, hook_id: str) -> Payload:
    """The payload. One that is too long is cut, and then is no JSON; a form is refused as too long."""
    if call.body_truncated and media_type in payload.FORMS:
        raise ApiError("api.context.request_body_too_large.app_error", 413, headers=CLOSE)
    try:
        return payload.decode(call.request.headers.get("Content-Type", ""), call.body)
    except payload.Undecodable as error:
        if call.instance.release.specific_hook_errors:
            raise ApiError(error.id, 400) from error
        decode = "web.incoming_webhook.decode.app_error"
        headers = CLOSE if call.body_truncated else None
        raise ApiError(decode, 400, headers=headers, media_type=media_type, hook_id=hook_id) from error


def _post(instance: Instance, hook_id: str, wanted: Payload) -> None:
    if not instance.config.service("EnableIncomingWebhooks"):
        raise ApiError("web.incoming_webhook.disabled.app_error", 501)
    if not wanted.text and not wanted.attachments:
        raise ApiError("web.incoming_webhook.text.app_error", 400)
    hook = instance.store.one("SELECT * FROM hooks WHERE id = ? AND delete_at = 0", hook_id)
    if hook is None:
        raise ApiError("web.incoming_webhook.invalid.app_error", 400)
    if instance.store.is_away:
        raise ApiError("api.post.create_webhook_post.creating.app_error", 500)
    owner = instance.store.get("users", hook["user_id"])
    assert owner is not None
    channel = _channel(instance, hook, owner, wanted.channel)
    if hook["channel_locked"] and channel["id"] != hook["channel_id"]:
        raise ApiError("web.incoming_webhook.channel_locked.app_error", 403)
    is_admin = "system_admin" in owner["roles"]
    if (
        channel["type"] != "O"
        and not is_admin
        and not members.find(instance.store, channel["id"], owner["id"])
    ):
        raise ApiError("web.incoming_webhook.permissions.app_error", 403)
    _check(instance, wanted)
    for attachment in wanted.attachments:
        payload.expand_attachment(instance.store, attachment)
    text = payload.expand_links(payload.expand_slack(instance.store, wanted.text))
    type_ = "slack_attachment" if wanted.attachments else wanted.type
    props = _props(instance, hook, wanted)
    metadata = {"priority": wanted.priority} if instance.release.post_priority and wanted.priority else {}
    for part, part_props in split(text, props, wanted.attachments, instance.release.props_limit):
        if "\0" in part:  # PostgreSQL cannot store it
            raise ApiError("api.post.create_webhook_post.creating.app_error", 500)
        posts.insert(instance, channel, owner, part, type=type_, props=part_props, metadata=metadata)


def _channel(instance: Instance, hook: Row, owner: Row, wanted: str) -> Row:
    """The channel to post to: the hook's, or the one the payload names (not by id, not an archived one)."""
    if not wanted:
        return channels.find(instance.store, hook["channel_id"])
    if wanted.startswith("@"):
        user = instance.store.one("SELECT * FROM users WHERE username = ?", wanted[1:])
        if user is None:
            raise ApiError("web.incoming_webhook.user.app_error", 400)
        return channels.direct(instance.store, owner, user)
    channel = instance.store.one(
        "SELECT * FROM channels WHERE team_id = ? AND name = ? AND delete_at = 0",
        hook["team_id"],
        wanted.removeprefix("#"),
    )
    if channel is None:
        raise ApiError("web.incoming_webhook.channel.app_error", 404)
    return channel


def _check(instance: Instance, wanted: Payload) -> None:
    if instance.release.post_priority and wanted.priority is not None and not wanted.priority.get("priority"):
        raise ApiError("api.context.invalid_param.app_error", 400, name="webhook.priority.priority")
    if wanted.attachments or not wanted.type or wanted.type.startswith("custom_"):
        return
    if wanted.type.startswith("system_"):
        raise ApiError("api.context.invalid_param.app_error", 400, name="post.type")
    raise ApiError("api.post.create_webhook_post.creating.app_error", 500)


def _props(instance: Instance, hook: Row, wanted: Payload) -> dict[str, Any]:
    """What the post carries besides its text, attachments excepted."""
    props: dict[str, Any] = {"from_webhook": "true"}
    if instance.config.service("EnablePostUsernameOverride"):
        props["override_username"] = wanted.username or hook["username"] or _DEFAULT_USERNAME
    if instance.config.service("EnablePostIconOverride"):
        if icon_url := wanted.icon_url or hook["icon_url"]:
            props["override_icon_url"] = icon_url
        if wanted.icon_emoji:
            props["override_icon_emoji"] = wanted.icon_emoji
    passed = {k: v for k, v in wanted.props.items() if k not in _KEPT_PROPS and k != "attachments"}
    return props | passed | {"webhook_display_name": hook["display_name"]}


def split(
    text: str, props: dict[str, Any], attachments: list[dict[str, Any]], limit: int
) -> list[tuple[str, dict[str, Any]]]:
    """The posts one payload becomes.

    The text is cut at exactly the length of a post, wherever that is. Attachments go with the last part,
    and onto further posts without text while the JSON of a post's props would exceed ``limit`` runes. The
    text of a single attachment over the limit is cut silently; if that does not suffice: 400.
    """
    too_long = ApiError("web.incoming_webhook.split_props_length.app_error", 400, limit=limit)
    if len(dumps(props)) > limit:
        raise too_long
    starts = range(0, max(len(text), 1), posts.MAX_RUNES)
    parts = [(text[start : start + posts.MAX_RUNES], dict(props)) for start in starts]
    for attachment in attachments:
        if len(dumps(_with(parts[-1][1], attachment))) > limit and parts[-1][1].get("attachments"):
            parts.append(("", dict(props)))
        excess = len(dumps(_with(parts[-1][1], attachment))) - limit
        if excess > 0:
            if len(attachment["text"]) < excess:
                raise too_long
            attachment = attachment | {"text": attachment["text"][: len(attachment["text"]) - excess]}
        parts[-1] = (parts[-1][0], _with(parts[-1][1], attachment))
    return parts


def _with(props: dict[str, Any], attachment: dict[str, Any]) -> dict[str, Any]:
    return props | {"attachments": [*props.get("attachments", []), attachment]}


routes = [handled("POST", "/hooks/{hook_id}", receive, use_session=False)]
