"""Pressing a button on the page of a channel, as any person: the pages know nobody."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from lab.standins.mattermost.api import actions
from lab.standins.mattermost.api.endpoint import Question, instance_of, route
from lab.standins.mattermost.api.receive import NOT_FOUND
from lab.standins.mattermost.pages.asking import asked
from lab.standins.mattermost.state import channels, members
from lab.standins.mattermost.state.errors import ApiError, forbidden
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row


async def press(request: Request) -> Response:
    """Press it and show the page again; why it is refused is shown there as well."""
    instance = instance_of(request)
    store = instance.store
    form = await request.form()
    person, action = str(form.get("person", "")).strip().lower(), str(form.get("action", ""))
    post = store.get("posts", request.path_params["post"])
    team = store.one("SELECT * FROM teams WHERE name = ?", request.path_params["team"])
    if post is None or team is None:
        return PlainTextResponse(*NOT_FOUND)
    user = store.one("SELECT * FROM users WHERE username = ? AND delete_at = 0", person)
    await asked(instance, lambda: _begun(instance, user, post, action), user, post["channel_id"])
    channel = channels.find(store, post["channel_id"])
    kind = "messages" if channel["type"] == "D" else "channels"
    return RedirectResponse(f"/{team['name']}/{kind}/{channel['name']}#post_{post['id']}", 303)


def _begun(instance: Instance, user: Row | None, post: Row, action: str) -> Question:
    if user is None:
        raise ApiError("app.user.missing_account.const", 404)
    if members.find(instance.store, post["channel_id"], user["id"]) is None:
        raise forbidden()
    return actions.run(instance, user, post, action)


routes = [route("POST", "/{team}/pl/{post}/actions", press)]
