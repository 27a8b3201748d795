"""Who is in a channel, and what each member has not read yet."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api import channels, posts, teams, users
from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint
from lab.standins.mattermost.state.errors import ApiError, forbidden
from lab.standins.mattermost.state.store import Row, Store

_NOTIFY_PROPS = {
    "desktop": "default",
    "email": "default",
    "ignore_channel_mentions": "default",
    "mark_unread": "all",
    "push": "default",
}


def to_json(member: Row) -> dict[str, object]:
    """A membership as the API shows it; ``mention_count`` is the number on the channel's badge."""
    admin = bool(member["scheme_admin"])
    return {
        **member,
        "roles": "channel_user channel_admin" if admin else "channel_user",
        "mention_count_root": member["mention_count"],
        "msg_count_root": member["msg_count"],
        "notify_props": _NOTIFY_PROPS,
        "scheme_guest": False,
        "scheme_user": True,
        "scheme_admin": admin,
        "explicit_roles": "",
    }


def find(store: Store, channel_id: str, user_id: str) -> Row | None:
    """How an account belongs to a channel, if it does."""
    return store.one(
        "SELECT * FROM channel_members WHERE channel_id = ? AND user_id = ?", channel_id, user_id
    )


def insert(store: Store, channel_id: str, user_id: str, *, admin: bool = False) -> None:
    """Make an account a member who has read nothing yet."""
    member = {"channel_id": channel_id, "user_id": user_id, "scheme_admin": admin}
    store.insert("channel_members", member | {"last_update_at": store.now()})


def mark_read(store: Store, channel_id: str, user_id: str) -> None:
    """Set a member's counters as if the whole channel had just been looked at."""
    store.execute(
        "UPDATE channel_members SET mention_count = 0, last_viewed_at = ?, "
        "msg_count = (SELECT total_msg_count FROM channels WHERE id = channel_id) "
        "WHERE channel_id = ? AND user_id = ?",
        store.now(),
        channel_id,
        user_id,
    )


def add(call: Call) -> Response:
    """Adding somebody announces it in the channel, which counts as a mention of them."""
    channel = channels.by_id(call)
    user = users.find(call.store, call.fields("channel_member", {"user_id": str})["user_id"])
    if not channels.may_read(call, channel):
        raise forbidden()
    if teams.membership(call.store, channel["team_id"], user["id"]) is None:
        raise ApiError("app.team.get_member.missing.app_error", 404)
    if find(call.store, channel["id"], user["id"]) is None:
        insert(call.store, channel["id"], user["id"])
        answer = to_json(_required(call, user["id"]))
        text = f"{user['username']} added to the channel by {call.user['username']}."
        props = {"addedUserId": user["id"], "addedUsername": user["username"]}
        posts.system(call.server, channel, call.user, "add_to_channel", text, props)
        return JSONResponse(answer, 201)
    return JSONResponse(to_json(_required(call, user["id"])), 201)


def remove(call: Call) -> Response:
    channel = channels.by_id(call)
    member = _required(call, call.id("user_id"))
    if not channels.may_read(call, channel):
        raise forbidden()
    call.store.execute(
        "DELETE FROM channel_members WHERE channel_id = ? AND user_id = ?",
        member["channel_id"],
        member["user_id"],
    )
    removed = users.find(call.store, member["user_id"])
    text = f"{removed['username']} removed from the channel."
    posts.system(call.server, channel, call.user, "remove_from_channel", text)
    return JSONResponse(users.OK)


def get(call: Call) -> Response:
    if not channels.may_read(call, channels.by_id(call)):
        raise forbidden()
    return JSONResponse(to_json(_required(call, call.id("user_id"))))


def list_of_user(call: Call) -> Response:
    """A user's memberships in the channels of one team."""
    rows = call.store.all(
        "SELECT channel_members.* FROM channel_members JOIN channels ON channels.id = channel_id "
        "WHERE team_id = ? AND user_id = ?",
        call.id("team_id"),
        _own_or_admin(call),
    )
    return JSONResponse([to_json(row) for row in rows])


def unread(call: Call) -> Response:
    """How many posts and mentions of a channel a member has not seen."""
    member = _required(call, _own_or_admin(call))
    channel = channels.by_id(call)
    return JSONResponse(
        {
            "team_id": channel["team_id"],
            "channel_id": channel["id"],
            "msg_count": channel["total_msg_count"] - member["msg_count"],
            "mention_count": member["mention_count"],
            "notify_props": _NOTIFY_PROPS,
        }
    )


def view(call: Call) -> Response:
    """Mark a channel as read."""
    channel_id = call.fields("channel_view", {"channel_id": str})["channel_id"]
    mark_read(call.store, channel_id, _own_or_admin(call))
    return JSONResponse({"status": "OK", "last_viewed_at_times": {channel_id: call.store.now()}})


def _own_or_admin(call: Call) -> str:
    user_id = call.id("user_id")
    if user_id != call.user["id"] and not call.is_admin:
        raise forbidden()
    return user_id


def _required(call: Call, user_id: str) -> Row:
    member = find(call.store, call.id("channel_id"), user_id)
    if member is None:
        raise ApiError("app.channel.get_member.missing.app_error", 404)
    return member


routes = [
    endpoint("POST", "/channels/{channel_id}/members", add),
    endpoint("GET", "/channels/{channel_id}/members/{user_id}", get),
    endpoint("DELETE", "/channels/{channel_id}/members/{user_id}", remove),
    endpoint("POST", "/channels/members/{user_id}/view", view),
    endpoint("GET", "/users/{user_id}/channels/{channel_id}/unread", unread),
    endpoint("GET", "/users/{user_id}/teams/{team_id}/channels/members", list_of_user),
]
