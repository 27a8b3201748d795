"""Typing a slash command on the page of a channel, as any person: the pages know nobody."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from lab.standins.mattermost.api import execute
from lab.standins.mattermost.api.endpoint import Question, instance_of, route
from lab.standins.mattermost.api.receive import NOT_FOUND
from lab.standins.mattermost.pages.asking import asked
from lab.standins.mattermost.state import members
from lab.standins.mattermost.state.errors import ApiError, forbidden, invalid_body
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row


async def run(request: Request) -> Response:
    """Run it and show the page again; why it is refused is shown there as well."""
    instance = instance_of(request)
    store = instance.store
    form = await request.form()
    person, typed = str(form.get("person", "")).strip().lower(), str(form.get("command", "")).strip()
    team = store.one("SELECT * FROM teams WHERE name = ?", request.path_params["team"])
    channel = team and store.one(
        "SELECT * FROM channels WHERE team_id IN (?, '') AND name = ?",
        team["id"],
        request.path_params["channel"],
    )
    if team is None or channel is None:
        return PlainTextResponse(*NOT_FOUND)
    user = store.one("SELECT * FROM users WHERE username = ? AND delete_at = 0", person)
    await asked(instance, lambda: _begun(instance, user, team, channel, typed), user, channel["id"])
    return RedirectResponse(request.url.path.removesuffix("/commands"), 303)


def _begun(instance: Instance, user: Row | None, team: Row, channel: Row, typed: str) -> Question:
    if user is None:
        raise ApiError("app.user.missing_account.const", 404)
    if members.find(instance.store, channel["id"], user["id"]) is None:
        raise forbidden()
    if len(typed) <= 1 or not typed.startswith("/"):
        raise invalid_body("command")
    return execute.run(instance, user, channel, {"team_id": team["id"], "command": typed})


routes = [
    route("POST", "/{team}/channels/{channel}/commands", run),
    route("POST", "/{team}/messages/{channel}/commands", run),
]
