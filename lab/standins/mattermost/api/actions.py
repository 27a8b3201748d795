"""Pressing the buttons and menus of posts: the request to their integration, and what becomes of the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api import access, integration
from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import Question, endpoint
from lab.standins.mattermost.api.integration import Reply
from lab.standins.mattermost.payloads import incoming_webhook
from lab.standins.mattermost.payloads.gojson import NOT_JSON, loads
from lab.standins.mattermost.payloads.ok import OK
from lab.standins.mattermost.state import channels, commands, posts
from lab.standins.mattermost.state.errors import ApiError, forbidden
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row, new_id

_FAILED = "api.post.do_action.action_integration.app_error"


def press(call: Call) -> Question:
    """As the caller, who may read the channel. What is chosen in a menu is not compared with its options."""
    post = call.store.get("posts", call.id("post_id"))
    may_press = access.may_read if call.instance.release.public_presses else access.may_read_posts
    if post is None or not may_press(call, channels.find(call.store, post["channel_id"])):
        raise forbidden()
    given = call.fields("action", dict.fromkeys(("selected_option", "cookie"), str)) if call.body else {}
    if given.get("cookie"):  # that of a post which is shown to one person alone; here none has any
        raise ApiError(_FAILED, 400)
    return run(call.instance, call.user, post, call.path("action_id"), given.get("selected_option", ""))


def run(instance: Instance, user: Row, post: Row, action_id: str, chosen: str = "") -> Question:
    """What a press comes to; 404 if there is no such button."""
    store = instance.store
    action = next((each for each in _actions(post) if each["id"] == action_id), None)
    if post["delete_at"]:
        raise ApiError("app.post.get.app_error", 404)
    if action is None:
        raise ApiError("api.post.do_action.action_id.app_error", 404)
    channel = channels.find(store, post["channel_id"])
    team = store.get("teams", channel["team_id"]) or {}
    trigger_id = new_id()
    leads = action.get("integration", {})
    selected = {"selected_option": chosen} if chosen and action.get("type") == "select" else {}
    sent = {
        "user_id": user["id"],
        "user_name": user["username"],
        "channel_id": channel["id"],
        "channel_name": channel["name"],
        "team_id": channel["team_id"],
        "team_domain": team.get("name", ""),
        "post_id": post["id"],
        "trigger_id": trigger_id,
        "type": action.get("type", ""),
        "data_source": action.get("data_source", ""),
        "context": {**(leads.get("context") or {}), **selected},
    }

    def then(reply: Reply) -> Response:
        _take(instance, user, post, reply)
        return JSONResponse({**OK, "trigger_id": trigger_id})

    allowed = str(instance.config.service("AllowedUntrustedInternalConnections"))
    body = json.dumps(sent, ensure_ascii=False, separators=(",", ":")).encode()
    kind = {"Content-Type": "application/json"}
    return Question(lambda: integration.ask(str(leads.get("url", "")), body, kind, allowed), then)


def _actions(post: Row) -> list[dict[str, Any]]:
    boxes = json.loads(post["props"]).get("attachments") or []
    return [action for box in boxes for action in box.get("actions") or []]


def _take(instance: Instance, user: Row, post: Row, reply: Reply) -> None:
    """Only JSON with a status of 200 is an answer: it may change the post, and say something to who has pressed."""
    given = loads(reply.body) if reply.status == 200 else NOT_JSON
    if given is NOT_JSON or not isinstance(given, dict):
        raise ApiError(_FAILED, 400)
    store = instance.store
    post = store.get("posts", post["id"]) or post
    if isinstance(update := given.get("update"), dict):
        changes = {"message": update.get("message") or ""}
        posts.edit(
            instance,
            channels.find(store, post["channel_id"]),
            post,
            changes | _properties(update.get("props")),
        )
    if text := given.get("ephemeral_text"):
        if not given.get("skip_slack_parsing"):
            text = incoming_webhook.expand_links(incoming_webhook.expand_slack(store, str(text)))
        author = store.get("users", post["user_id"]) or {}
        props = json.loads(post["props"])
        name = props.get("override_username") or author.get("username", "")
        kept = {"from_webhook": props["from_webhook"]} if "from_webhook" in props else {}
        commands.show(store, user["id"], post["channel_id"], str(name), str(text), kept)


def _properties(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Those that an answer puts in the place of all that there were; without any they stay (recorded)."""
    if given is None:
        return {}
    boxes = (
        {"attachments": incoming_webhook.attachments(given["attachments"])} if "attachments" in given else {}
    )
    return {"props": {**given, **boxes}}


routes = [endpoint("POST", "/posts/{post_id}/actions/{action_id}", press)]
