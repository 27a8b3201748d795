"""Running a slash command: the request to its integration, what becomes of the answer, and answers that come later."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from lab.standins.mattermost.api import access, integration
from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import Question, endpoint, handled
from lab.standins.mattermost.api.integration import Reply
from lab.standins.mattermost.payloads import command as payload
from lab.standins.mattermost.payloads import incoming_webhook
from lab.standins.mattermost.payloads.command import Answer
from lab.standins.mattermost.state import channels, commands, members, posts
from lab.standins.mattermost.state.errors import ApiError, forbidden, invalid_body
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row, new_id

_FAILED = "api.command.execute_command.failed.app_error"


def execute(call: Call) -> Response | Question:
    """As the caller in a channel, whose members may; in a team's channel it is a command of that team."""
    wanted = call.fields("command_args", dict.fromkeys(("channel_id", "team_id", "command", "root_id"), str))
    if len(wanted["command"]) <= 1 or not wanted["command"].startswith("/"):
        raise invalid_body("command")
    channel = channels.find(call.store, wanted["channel_id"])
    if not access.may_post(call, channel):
        raise forbidden()
    return run(call.instance, call.user, channel, wanted)


def run(instance: Instance, user: Row, channel: Row, wanted: Mapping[str, str]) -> Question:
    """What a command comes to; 404 if there is none of that word."""
    store = instance.store
    team_id = channel["team_id"] or wanted["team_id"]
    word, _, text = wanted["command"].partition(" ")
    if "\n" in word:
        word, _, rest = word.partition("\n")
        text = f"{rest} {text}".strip()
    trigger = word[1:].lower()
    command = next((each for each in commands.of_team(store, team_id) if each["trigger"] == trigger), None)
    if command is None:
        raise ApiError("api.command.execute_command.not_found.app_error", 404, trigger=trigger)
    if not instance.config.service("EnableCommands"):
        raise ApiError("api.command.disabled.app_error", 501)
    root_id = wanted.get("root_id", "")
    if root_id and not re.fullmatch(
        "[A-Za-z0-9]{26}", root_id
    ):  # what is kept for later answers is refused then
        raise ApiError(_FAILED, 500, trigger=trigger)
    team = store.get("teams", team_id) or {}
    trigger_id = new_id()
    answers = commands.open_response(store, command, user, channel, root_id)
    fields = {
        "token": command["token"],
        "team_id": team_id,
        "team_domain": team.get("name", ""),
        "channel_id": channel["id"],
        "channel_name": channel["name"],
        "user_id": user["id"],
        "user_name": user["username"],
        "command": f"/{trigger}",
        "text": text,
        "trigger_id": trigger_id,
        "response_url": f"{instance.config.service('SiteURL')}/hooks/commands/{answers}",
    }
    if root_id and instance.release.commands_say_root:
        fields["root_id"] = root_id
    sent = {key: [str(value)] for key, value in fields.items()} | _mentioned(instance, team_id, text)

    def then(reply: Reply) -> Response:
        answer = _read(reply, trigger, trigger_id)
        for each in (answer, *answer.others):
            _show(instance, command, user, channel, each)
        return JSONResponse(answer.values)

    allowed = str(instance.config.service("AllowedUntrustedInternalConnections"))
    return Question(lambda: _ask(command, payload.form(sent), allowed), then)


def _mentioned(instance: Instance, team_id: str, text: str) -> dict[str, list[str]]:
    """People and channels that the text names."""
    found: dict[str, list[str]] = {}
    for sign, table, condition, key in (
        ("@", "users", "username = ?", "user_mentions"),
        ("~", "channels", "name = ? AND team_id = ?", "channel_mentions"),
    ):
        for name in re.findall(rf"(?<!\w){sign}([a-z0-9][a-z0-9._-]*)", text):
            values = (name,) if sign == "@" else (name, team_id)
            row = instance.store.one(f"SELECT id FROM {table} WHERE {condition}", *values)  # noqa: S608
            if row:
                found.setdefault(key, []).append(name)
                found.setdefault(f"{key}_ids", []).append(row["id"])
    return found


def _ask(command: Row, body: str, allowed: str) -> Reply:
    """Ask the integration, beside the loop."""
    url: str = command["url"]
    authorization = {"Authorization": f"Token {command['token']}"}
    if command["method"] == "G":
        return integration.ask(f"{url}{'&' if '?' in url else '?'}{body}", None, authorization, allowed)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return integration.ask(url, body.encode(), authorization | form, allowed)


def _read(reply: Reply, trigger: str, trigger_id: str) -> Answer:
    if reply.status == 0:
        raise ApiError(_FAILED, 500, trigger=trigger)
    if reply.status != 200:
        status = f"{reply.status} {HTTPStatus(reply.status).phrase}"
        raise ApiError(
            "api.command.execute_command.failed_resp.app_error", 500, trigger=trigger, answered=status
        )
    try:
        return payload.answer(reply.content_type, reply.body, trigger_id)
    except payload.Unreadable as error:
        raise ApiError(_FAILED, 500, trigger=trigger) from error


def _show(instance: Instance, command: Row, user: Row, channel: Row, answer: Answer) -> None:
    """Show an answer: to all as a post of who asked, or to them alone."""
    store, given = instance.store, answer.values
    if given["channel_id"] and members.find(store, given["channel_id"], user["id"]):
        channel = channels.find(store, given["channel_id"])
    if answer.is_empty:
        return
    text = answer.text
    boxes = given["attachments"] or []
    if not given["skip_slack_parsing"]:
        text = incoming_webhook.expand_links(incoming_webhook.expand_slack(store, text))
        for box in boxes:
            incoming_webhook.expand_attachment(store, box)
    props: dict[str, Any] = {**(given["props"] or {}), "from_webhook": "true"}
    if instance.config.service("EnablePostUsernameOverride"):
        props["override_username"] = command["username"] or given["username"]
    if instance.config.service("EnablePostIconOverride"):
        props["override_icon_url"] = command["icon_url"] or given["icon_url"]
    if boxes:
        props["attachments"] = boxes
    if not answer.is_public:
        name = props.get("override_username") or command["trigger"]
        commands.show(store, user["id"], channel["id"], str(name), text, props)
        return
    if len(text) > posts.MAX_RUNES:
        failed = "api.command.execute_command.create_post_failed.app_error"
        raise ApiError(failed, 500, trigger=command["trigger"])
    posts.insert(
        instance, channel, user, text, type="slack_attachment" if boxes else given["type"], props=props
    )


def respond(call: Call) -> Response:
    """An answer that comes later, to the address that went along with the request; it asks for no session."""
    try:
        answer = payload.answer(call.request.headers.get("Content-Type", ""), call.body)
    except payload.Unreadable as error:
        raise ApiError("web.command_webhook.parse.app_error", 400) from error
    found = commands.response(call.store, call.path("response_id"))
    command = commands.find(call.store, found["command_id"])
    commands.use(call.store, found)
    user = call.store.get("users", found["user_id"])
    assert user is not None
    _show(call.instance, command, user, channels.find(call.store, found["channel_id"]), answer)
    return PlainTextResponse("ok", headers={"Content-Type": "text/plain"})


routes = [
    endpoint("POST", "/commands/execute", execute),
    handled("POST", "/hooks/commands/{response_id}", respond, use_session=False),
]
