"""Who has to be in a channel of Mattermost. Members are added, to the team as well, and never removed."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from tasks.operations.api import Api
from tasks.operations.resource import ResourceError

User = dict[str, Any]

_NO_MEMBER = ("app.team.get_member.missing.app_error", "app.channel.get_member.missing.app_error")


def find_user(api: Api, name: str) -> User | None:
    """The account with this user name; None if there is none or it is deactivated."""
    found: User | None = api.call("GET", f"/api/v4/users/username/{name}", absent=("404",))
    return None if found is None or found.get("delete_at") else found


def absentees(
    api: Api, channel: User | None, names: Collection[str], accounts: Collection[str]
) -> list[User]:
    """Those who are not in the channel, None for one that is not there yet, in which its maker is.

    They are given by their names and, as `accounts`, by their numbers. ResourceError for a name that nobody has.
    """
    wanted = list(_named(api, names)) + list(_numbered(api, accounts))
    different = {user["id"]: user for user in wanted}
    return [user for user in different.values() if not _is_in(api, channel, user)]


def _named(api: Api, names: Collection[str]) -> Iterator[User]:
    for name in names:
        user = find_user(api, name)
        if user is None:
            raise ResourceError(
                f"mattermost: there is no active user {name}; correct the name, or activate the account"
            )
        yield user


def _numbered(api: Api, accounts: Collection[str]) -> Iterator[User]:
    for account in accounts:
        user: User | None = api.call("GET", f"/api/v4/users/{account}", absent=("404",))
        if user is not None and not user.get("delete_at"):
            yield user


def _is_in(api: Api, channel: User | None, user: User) -> bool:
    if channel is None:
        return bool(user["id"] == api.me)
    return membership(api, f"/api/v4/channels/{channel['id']}", user["id"]) is not None


def membership(api: Api, at: str, account: str) -> User | None:
    """How the account of that number belongs to the team or the channel at the path `at`; None if it does not."""
    found: User | None = api.call("GET", f"{at}/members/{account}", absent=_NO_MEMBER)
    # Who has left a team is listed with the time.
    return None if found is None or found.get("delete_at") else found


def add_members(api: Api, team_id: str, channel_id: str, users: Sequence[User]) -> None:
    """Have these accounts in the channel, and in its team if they are not."""
    for user in users:
        if membership(api, f"/api/v4/teams/{team_id}", user["id"]) is None:
            api.call("POST", f"/api/v4/teams/{team_id}/members", {"team_id": team_id, "user_id": user["id"]})
        api.call("POST", f"/api/v4/channels/{channel_id}/members", {"user_id": user["id"]})
