"""A bot account of Mattermost over its API v4: the account, its rights, where it is a member.

Measured on 5.37 and read in 11.6. Only a person who administers the system makes a bot, and only while
ServiceSettings.EnableBotAccountCreation is on; afterwards the bot needs neither. The API deletes none, it disables
them, and the name stays taken. A disabled bot that is enabled again goes on with the tokens that it had.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from tasks.operations.absent import Present
from tasks.operations.api import Api
from tasks.operations.bot_tokens import all_tokens, is_of_site, revoke
from tasks.operations.mattermost import find_channel, find_team, patch_settings, refuse_overridden
from tasks.operations.mattermost_members import membership
from tasks.operations.resource import Commands, ResourceError, change, mend, note, resource, show

Account = Mapping[str, Any]

BOTS = "/api/v4/bots"
MARK = "(Passerelle)"
"""What the description of a bot ends with that is ours."""
ROLES = "system_user"
"""All that it needs: it posts, edits and reads where it is a member."""
# What the API leaves out where it is empty, as it is of bots that Mattermost makes itself (measured on 5.37, read in
# 11.6).
_LEFT_OUT = {"display_name": "", "description": ""}
_SWITCH = "ServiceSettings.EnableBotAccountCreation"


@dataclass(frozen=True)
class Bot:
    """A bot as it is wanted. `site` is whose tokens are ours: several sites may share a bot, each with its own."""

    username: str
    display_name: str
    description: str
    site: str

    @property
    def texts(self) -> dict[str, str]:
        """What people see of it."""
        return {
            "username": self.username,
            "display_name": self.display_name,
            "description": f"{self.description} {MARK}".lstrip(),
        }


def find_bot(api: Api, wanted: Bot) -> Account | None:
    """The bot, disabled or not, under its name, or under another one if it bears tokens of this site alone.

    None if there is none. ResourceError if the name is somebody else's.
    """
    setting = f"mattermost.bot.username = {wanted.username!r}"
    user = api.call("GET", f"/api/v4/users/username/{wanted.username}", absent=("404",))
    if user is None:
        return next(_renamed(api, wanted.site), None)
    if not user.get("is_bot"):
        raise ResourceError(f"{setting}: a person's account has this name in Mattermost; choose another one")
    found = _account(api, str(user["id"]))
    if not _is_ours(api, found):
        kind = "a disabled bot" if found["delete_at"] else "a bot"
        raise ResourceError(
            f"{setting}: {kind} that Passerelle has not made has this name in Mattermost; choose another one"
        )
    return found


def bots_of_site(api: Api, site: str) -> list[Account]:
    """All bots of ours that have a token of this site, disabled ones as well."""
    found = api.pages(f"{BOTS}?include_deleted=true", size=200)
    marked = [each for each in ({**_LEFT_OUT, **described} for described in found) if _is_marked(each)]
    return [
        each
        for each in marked
        if any(is_of_site(token, site) for token in all_tokens(api, str(each["user_id"])))
    ]


def _account(api: Api, identity: str) -> Account:
    return {**_LEFT_OUT, **api.call("GET", f"{BOTS}/{identity}?include_deleted=true")}


def _renamed(api: Api, site: str) -> Iterator[Account]:
    for found in bots_of_site(api, site):
        if all(is_of_site(token, site) for token in all_tokens(api, str(found["user_id"]))):
            yield found


def _is_marked(found: Account) -> bool:
    return str(found["description"]).endswith(MARK)


def _is_ours(api: Api, found: Account) -> bool:
    """By the mark, or by a token, should somebody have described it otherwise."""
    return _is_marked(found) or bool(all_tokens(api, str(found["user_id"])))


@resource
def bot(api: Api, wanted: Bot, memo: str) -> Commands:
    """Have an enabled bot with these names, a plain user of the system.

    Where the server makes no bots, that is switched on to make it, and off again. That it has to be switched off is
    noted in the file `memo` on the host meanwhile, so that the next run does it if this one is killed.
    """
    found = find_bot(api, wanted)
    is_off = not _makes_bots(api)
    broken_off = bool(host.get_fact(Present, paths=[memo]))
    switches = found is None and is_off
    if found is None:
        _refuse_bots_token(api)
        lines = [f"+ bot {wanted.username}"]
    else:
        lines = list(_wrong(api, wanted, found))
    if switches:
        refuse_overridden(api, _switched(True), [f"~ {_SWITCH}: False -> True"])
        lines.append(f"~ {_SWITCH}: False -> True for the bot to be made, then False again")
    elif broken_off:
        lines.append(f"- {memo}" if is_off else f"~ {_SWITCH}: True -> False, as before a run that broke off")
    show(lines)
    if switches:
        text = f"{_SWITCH} was off before a bot was made"
        yield StringCommand(
            "install -d -m 755",
            QuoteString(memo.rpartition("/")[0]),
            "&& echo",
            QuoteString(text),
            ">",
            QuoteString(memo),
        )
    if found is None:
        yield mend(lambda: _make(api, wanted))
    elif any(_wrong(api, wanted, found)):
        yield mend(lambda: _mend(api, wanted, found))
    if broken_off and not is_off:
        yield mend(lambda: patch_settings(api, _switched(False)))
    if switches or broken_off:
        yield StringCommand("rm -f", QuoteString(memo))


def _refuse_bots_token(api: Api) -> None:
    """ResourceError if the token of `api` is a bot's, with which the server lets no bot be made."""
    if api.call("GET", "/api/v4/users/me").get("is_bot"):
        raise ResourceError(
            "mattermost.token is a bot's, and bots make no bots: give that of a person who administers the system for "
            'this run (afterwards a bot\'s will do), or leave mattermost.posting at "webhook"'
        )


def _switched(on: bool) -> dict[str, dict[str, bool]]:
    return {"ServiceSettings": {"EnableBotAccountCreation": on}}


def _makes_bots(api: Api) -> bool:
    return bool(api.call("GET", "/api/v4/config")["ServiceSettings"]["EnableBotAccountCreation"])


def _make(api: Api, wanted: Bot) -> None:
    with api.turn:  # another site of this server may be at it as well
        if find_bot(api, wanted) is not None:
            return
        was_off = not _makes_bots(api)
        if was_off:
            patch_settings(api, _switched(True))
        try:
            api.call("POST", BOTS, wanted.texts)
        finally:
            if was_off:
                patch_settings(api, _switched(False))


def _wrong(api: Api, wanted: Bot, found: Account) -> Iterator[str]:
    """What is wrong with a bot that is there."""
    what = f"bot {wanted.username}"
    if found["delete_at"]:
        yield f"~ {what}: disabled -> enabled"
    for key, value in wanted.texts.items():
        if found[key] != value:
            yield f"~ {what}: {key}: {found[key]!r} -> {value!r}"
    roles = roles_of(api, found)
    if set(roles.split()) != {ROLES}:
        yield f"~ {what}: roles: {roles!r} -> {ROLES!r}"


def roles_of(api: Api, found: Account) -> str:
    """The roles that a bot has in the whole system."""
    return str(api.call("GET", f"/api/v4/users/{found['user_id']}")["roles"])


def _mend(api: Api, wanted: Bot, found: Account) -> None:
    path = f"{BOTS}/{found['user_id']}"
    if found["delete_at"]:
        api.call("POST", f"{path}/enable")
    if any(found[key] != value for key, value in wanted.texts.items()):
        api.call("PUT", path, wanted.texts)
    if set(roles_of(api, found).split()) != {ROLES}:
        api.call("PUT", f"/api/v4/users/{found['user_id']}/roles", {"roles": ROLES})


@resource
def bot_memberships(api: Api, wanted: Bot, team: str, channels: Collection[str]) -> Commands:
    """Have the bot be a plain member of the team and of these channels, private ones as well, and of no other rank."""
    found = find_bot(api, wanted)
    identity = str(found["user_id"]) if found else ""
    places = {f"team {team}": _team_path(api, team)}
    places |= {f"channel {name}": _channel_path(api, team, name) for name in channels}
    missing, ranked = [], []
    for place, path in places.items():
        member = _member(api, path, identity)
        if member is None:
            missing.append(place)
        elif member["scheme_admin"]:
            ranked.append(place)
    lines = [f"+ bot {wanted.username} in {place}" for place in missing]
    lines += [f"~ bot {wanted.username} in {place}: administrator -> member" for place in ranked]

    def put() -> None:
        for place in missing:
            api.call("POST", f"{places[place]}/members", _membership(places[place], identity))
        for place in ranked:
            rank = {"scheme_admin": False, "scheme_user": True}
            api.call("PUT", f"{places[place]}/members/{identity}/schemeRoles", rank)

    yield from change(lines, put)


@resource
def no_bot_memberships(
    api: Api, wanted: Bot, team: str, channels: Collection[str], *, leaves_team: bool = False
) -> Commands:
    """Have the bot not be a member of these channels of the team, and if it `leaves_team` of nothing in it."""
    found = find_bot(api, wanted)
    identity = str(found["user_id"]) if found else ""
    # Who is in a team cannot leave its first channel.
    places = {f"channel {name}": _channel_path(api, team, name) for name in channels if name != "town-square"}
    if leaves_team:
        places = {f"team {team}": _team_path(api, team)}
    left = [place for place, path in places.items() if _member(api, path, identity) is not None]

    def leave() -> None:
        for place in left:
            api.call("DELETE", f"{places[place]}/members/{identity}")

    yield from change([f"- bot {wanted.username} in {place}" for place in left], leave)


def is_member(api: Api, team: str, channel: str, identity: str) -> bool:
    """Whether an account is a member of a channel of the team."""
    return _member(api, _channel_path(api, team, channel), identity) is not None


def _team_path(api: Api, name: str) -> str:
    found = find_team(api, name)
    return f"/api/v4/teams/{found['id']}" if found else ""


def _channel_path(api: Api, team: str, name: str) -> str:
    found = find_channel(api, team, name)
    return f"/api/v4/channels/{found['id']}" if found else ""


def _member(api: Api, path: str, identity: str) -> dict[str, Any] | None:
    """How the account belongs to what is at `path`; None if it does not, or one of both is not there yet."""
    return membership(api, path, identity) if path and identity else None


def _membership(path: str, identity: str) -> dict[str, str]:
    team = {"team_id": path.rpartition("/")[2]} if "/teams/" in path else {}
    return {**team, "user_id": identity}


@resource
def no_bot(api: Api, username: str, site: str, memo: str, kept: Bot | None = None) -> Commands:
    """Have no token of this site on the bot, and the bot disabled unless another site uses it; the API deletes none.

    A bot that is not ours is named and left alone, and so is the one that is to be `kept`, under another name. For
    `memo` see `bot`.
    """
    user = api.call("GET", f"/api/v4/users/username/{username}", absent=("404",))
    found = _account(api, str(user["id"])) if user and user.get("is_bot") else None
    if found is not None and not _is_ours(api, found):
        note([f"bot {username}: another one, which Passerelle has not made"])
        found = None
    if found is not None and kept is not None and find_bot(api, kept) == found:
        found = None
    tokens = all_tokens(api, str(found["user_id"])) if found else []
    ours = [token for token in tokens if is_of_site(token, site)]
    ends = found is not None and len(ours) == len(tokens) and not found["delete_at"]
    lines = [f"- token of the bot {username}: {token['description']}" for token in ours]
    lines += [f"~ bot {username}: enabled -> disabled"] if ends else []
    broken_off = bool(host.get_fact(Present, paths=[memo])) and kept is None
    puts_back = broken_off and _makes_bots(api)
    if broken_off:
        lines.append(
            f"~ {_SWITCH}: True -> False, as before a run that broke off" if puts_back else f"- {memo}"
        )

    def remove() -> None:
        revoke(api, ours)
        if found is not None and ends:
            api.call("POST", f"{BOTS}/{found['user_id']}/disable")
        if puts_back:
            patch_settings(api, _switched(False))

    yield from change(lines, remove)
    if broken_off:
        yield StringCommand("rm -f", QuoteString(memo))
