"""Mattermost resources over its API v4: settings, team, channel.

What the API answers, and what it keeps silent about, was measured on Mattermost 5.37 and read in 11.6.
A missing object is known by the error id: with its database down the server answers 404 as well.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from tasks.operations.api import Api
from tasks.operations.mattermost_members import absentees, add_members
from tasks.operations.resource import Commands, ResourceError, change, differences, resource

NO_TEAM = ("app.team.get_by_name.missing.app_error", "store.sql_team.get_by_name.missing.app_error")
NO_CHANNEL = ("app.channel.get_by_name.missing.app_error",)


@resource
def settings(api: Api, wanted: Mapping[str, Mapping[str, Any]]) -> Commands:
    """Have the server's configuration hold `wanted` ({section: {setting: value}}); the rest stays."""
    found = list(differences(api.call("GET", "/api/v4/config"), wanted))
    if found:
        refuse_overridden(api, wanted, found)
    yield from change(found, lambda: patch_settings(api, wanted))


def patch_settings(api: Api, wanted: Mapping[str, Mapping[str, Any]]) -> None:
    """Set what `wanted` says; ResourceError if the server does not keep it."""
    effective = api.call("PUT", "/api/v4/config/patch", wanted)
    if left := list(differences(effective, wanted)):
        refuse_overridden(api, wanted, left)
        raise ResourceError(
            f"mattermost: the server answered 200 and kept {left[0].removeprefix('~ ')}; "
            "mattermost.token must be a system administrator's"
        )


def refuse_overridden(api: Api, wanted: Mapping[str, Mapping[str, Any]], lines: list[str]) -> None:
    """ResourceError if a setting that `lines` show to differ is set by a variable in the server's environment.

    It beats a patch, which then changes nothing and says nothing.
    """
    overridden = api.call("GET", "/api/v4/config/environment") or {}
    for section, values in wanted.items():
        for setting, value in values.items():
            is_left = any(line.startswith(f"~ {section}.{setting}:") for line in lines)
            if is_left and overridden.get(section, {}).get(setting):
                raise ResourceError(
                    f"mattermost: {section}.{setting} is set by the variable MM_{section.upper()}_{setting.upper()} "
                    f"of the server's environment; set it to {str(value).lower()} there, or remove it"
                )


def find_team(api: Api, name: str) -> dict[str, Any] | None:
    """The team, archived or not; None if there is none of this name."""
    found: dict[str, Any] | None = api.call("GET", f"/api/v4/teams/name/{name}", absent=NO_TEAM)
    return found


def team_number(api: Api, name: str) -> str | None:
    """The number of a team, which is asked for until there is one; None if there is none of this name."""
    if name not in api.numbers and (found := find_team(api, name)):
        api.numbers[name] = str(found["id"])
    return api.numbers.get(name)


@resource
def team(api: Api, name: str, display_name: str) -> Commands:
    """Have an open, active team called `name`; an archived one is restored. Who may join is left as it is."""
    found = find_team(api, name)
    texts = {"display_name": display_name}
    lines = [f"+ team {name}"] if found is None else _wrong(f"team {name}", found, texts)
    yield from change(lines, lambda: _have_team(api, name, texts))


def _have_team(api: Api, name: str, texts: Mapping[str, str]) -> None:
    with api.turn:
        found = find_team(api, name)  # another site of the team may have been quicker
        if found is None:
            made = api.call("POST", "/api/v4/teams", {"name": name, "type": "O", **texts})
            api.numbers[name] = str(made["id"])
        else:
            _mend(api, f"/api/v4/teams/{found['id']}", found, texts)


def _wrong(what: str, found: Mapping[str, Any], texts: Mapping[str, str]) -> list[str]:
    """What is wrong with a team or channel that is there."""
    archived = [f"~ {what}: archived -> active"] if found["delete_at"] else []
    return [*archived, *differences(found, texts, f"{what}: ")]


def _mend(api: Api, path: str, found: Mapping[str, Any], texts: Mapping[str, str]) -> None:
    """Restore a team or channel that is archived and give it its texts."""
    if found["delete_at"]:
        api.call("POST", f"{path}/restore")
    if any(differences(found, texts)):
        api.call("PUT", f"{path}/patch", texts)


def find_channel(api: Api, team_name: str, name: str) -> dict[str, Any] | None:
    """The channel, archived or not; None if it or its team does not exist."""
    owner = team_number(api, team_name)
    if owner is None:
        return None
    path = f"/api/v4/teams/{owner}/channels/name/{name}?include_deleted=true"
    found: dict[str, Any] | None = api.call("GET", path, absent=NO_CHANNEL)
    return found


@resource
def channel(
    api: Api,
    team_name: str,
    name: str,
    display_name: str,
    purpose: str = "",
    private: bool = False,
    members: Collection[str] = (),
    posting: Callable[[], Collection[str]] | None = None,
) -> Commands:
    """Have an active channel in the team; an archived one is restored, its hooks are lost with it.

    It is made public, or if it is to be `private`, so; one that is private is never made public. The users called
    `members` are in it, and of a private one also the token's account and those whose numbers `posting` answers, for
    who posts into it has to be. Whoever else is in it stays.
    """
    found = find_channel(api, team_name, name)
    texts = {"display_name": display_name, "purpose": purpose}
    what = f"channel {name}"
    posters = {api.me, *(posting() if posting else ())} if private else ()
    absent = absentees(api, found, members, posters)
    lines = [f"~ {what}: public -> private"] if private and found and found["type"] == "O" else []
    if found is None:
        lines += [f"+ {'private ' * private}{what} in team {team_name}"]
    else:
        lines += _wrong(what, found, texts)
    lines += [f"+ member {user['username']} of {what}" for user in absent]

    def have() -> None:
        with api.turn:
            # Another site of the team may have been quicker.
            there = find_channel(api, team_name, name)
            if there is None:
                there = _create_channel(api, team_name, name, texts, "P" if private else "O")
            path = f"/api/v4/channels/{there['id']}"
            _mend(api, path, there, texts)
            if private and there["type"] == "O":
                api.call("PUT", f"{path}/privacy", {"privacy": "P"})
            add_members(api, there["team_id"], there["id"], absent)

    yield from change(lines, have)


def _create_channel(
    api: Api, team_name: str, name: str, texts: Mapping[str, str], kind: str
) -> dict[str, Any]:
    owner = team_number(api, team_name)
    if owner is None:
        raise ResourceError(f"mattermost: there is no team {team_name}; check mattermost.team")
    wanted = {"team_id": owner, "name": name, "type": kind, **texts}
    made: dict[str, Any] = api.call("POST", "/api/v4/channels", wanted)
    return made
