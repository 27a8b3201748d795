"""Who is in a channel, and what each member has not read yet."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api import access
from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.payloads import member as payload
from lab.standins.mattermost.payloads.ok import OK
from lab.standins.mattermost.state import members, posts, teams, users
from lab.standins.mattermost.state.errors import ApiError, forbidden
from lab.standins.mattermost.state.store import Row


def add(call: Call) -> Response:
    """It is announced in the channel; to be added by somebody counts as a mention, to join does not."""
    channel = access.channel(call)
    user = users.find(call.store, call.fields("channel_member", {"user_id": str})["user_id"])
    if not access.may_read(call, channel):
        raise forbidden()
    if teams.membership(call.store, channel["team_id"], user["id"]) is None:
        raise ApiError("app.team.get_member.missing.app_error", 404)
    if members.find(call.store, channel["id"], user["id"]) is None:
        members.insert(call.store, channel["id"], user["id"])
        answer = payload.to_json(_required(call, user["id"]))
        if user["id"] == call.user["id"]:
            text = f"{user['username']} joined the channel."
            posts.system(call.instance, channel, user, "join_channel", text)
            return JSONResponse(answer, 201)
        text = f"{user['username']} added to the channel by {call.user['username']}."
        props = {"addedUserId": user["id"], "addedUsername": user["username"]}
        posts.system(call.instance, channel, call.user, "add_to_channel", text, props)
        return JSONResponse(answer, 201)
    return JSONResponse(payload.to_json(_required(call, user["id"])), 201)


def remove(call: Call) -> Response:
    channel = access.channel(call)
    member = _required(call, call.id("user_id"))
    if not access.may_read(call, channel):
        raise forbidden()
    call.store.execute(
        "DELETE FROM channel_members WHERE channel_id = ? AND user_id = ?",
        member["channel_id"],
        member["user_id"],
    )
    removed = users.find(call.store, member["user_id"])
    text = f"{removed['username']} removed from the channel."
    posts.system(call.instance, channel, call.user, "remove_from_channel", text)
    return JSONResponse(OK)


def set_roles(call: Call) -> Response:
    admin = call.fields("scheme_roles", {"scheme_admin": bool, "scheme_user": bool})["scheme_admin"]
    channel = access.channel(call)
    if not access.is_team_manager(call, channel["team_id"]):
        raise forbidden()
    member = _required(call, call.id("user_id"))
    call.store.execute(
        "UPDATE channel_members SET scheme_admin = ? WHERE channel_id = ? AND user_id = ?",
        admin,
        member["channel_id"],
        member["user_id"],
    )
    return JSONResponse(OK)


def get(call: Call) -> Response:
    if not access.may_read(call, access.channel(call)):
        raise forbidden()
    return JSONResponse(payload.to_json(_required(call, call.id("user_id"))))


def list_of_channel(call: Call) -> Response:
    """A page of those who are in a channel."""
    channel = access.channel(call)
    if not access.may_read(call, channel):
        raise forbidden()
    rows = call.store.all(
        "SELECT * FROM channel_members WHERE channel_id = ? ORDER BY user_id LIMIT ? OFFSET ?",
        *(channel["id"], *call.page()),
    )
    return JSONResponse([payload.to_json(row) for row in rows])


def list_of_user(call: Call) -> Response:
    """A user's memberships in the channels of one team."""
    rows = call.store.all(
        "SELECT channel_members.* FROM channel_members JOIN channels ON channels.id = channel_id "
        "WHERE team_id = ? AND user_id = ?",
        call.id("team_id"),
        _own_or_admin(call),
    )
    return JSONResponse([payload.to_json(row) for row in rows])


# Collapsed threads are off.
_ROOTS = {"mention_count_root": 0, "msg_count_root": 0}


def unread(call: Call) -> Response:
    """How many posts and mentions of a channel a member has not seen; an administrator sees other keys (recorded)."""
    member = _required(call, _own_or_admin(call))
    channel = access.channel(call)
    return JSONResponse(
        {
            "team_id": channel["team_id"],
            "channel_id": channel["id"],
            "msg_count": channel["total_msg_count"] - member["msg_count"],
            "mention_count": member["mention_count"],
            **({"notify_props": payload.NOTIFY_PROPS} if call.user["id"] == member["user_id"] else _ROOTS),
        }
    )


def view(call: Call) -> Response:
    """Mark a channel as read."""
    channel_id = call.fields("channel_view", {"channel_id": str})["channel_id"]
    members.mark_read(call.store, channel_id, _own_or_admin(call))
    return JSONResponse({"status": "OK", "last_viewed_at_times": {channel_id: call.store.now()}})


def _own_or_admin(call: Call) -> str:
    user_id = call.id("user_id")
    if user_id != call.user["id"] and not call.is_admin:
        raise forbidden()
    return user_id


def _required(call: Call, user_id: str) -> Row:
    member = members.find(call.store, call.id("channel_id"), user_id)
    if member is None:
        raise ApiError("app.channel.get_member.missing.app_error", 404)
    return member


routes = [
    endpoint("POST", "/channels/{channel_id}/members", add),
    endpoint("GET", "/channels/{channel_id}/members", list_of_channel),
    endpoint("GET", "/channels/{channel_id}/members/{user_id}", get),
    endpoint("DELETE", "/channels/{channel_id}/members/{user_id}", remove),
    endpoint("PUT", "/channels/{channel_id}/members/{user_id}/schemeRoles", set_roles),
    endpoint("POST", "/channels/members/{user_id}/view", view),
    endpoint("GET", "/users/{user_id}/channels/{channel_id}/unread", unread),
    endpoint("GET", "/users/{user_id}/teams/{team_id}/channels/members", list_of_user),
]
