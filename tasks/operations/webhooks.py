"""Incoming webhooks of Mattermost over its API v4.

While incoming webhooks are switched off the server answers 501 and lists none, and those that there are are dead
until it is switched on again: hidden is not absent. The webhooks of an archived team are listed, and go on posting.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from pyinfra import host, state
from pyinfra.api import QuoteString, StringCommand

from tasks.operations.absent import Present
from tasks.operations.api import Api, ApiError
from tasks.operations.mattermost import find_channel, patch_settings, team_number
from tasks.operations.resource import Commands, ResourceError, change, mend, note, resource, show

Webhook = Mapping[str, Any]

HOOKS = "/api/v4/hooks/incoming"
_SWITCH = "ServiceSettings.EnableIncomingWebhooks"


def find_webhooks(api: Api, team_name: str, display_name: str) -> list[Webhook] | None:
    """The team's incoming webhooks of that name, the eldest first; None while the server hides them."""
    owner = team_number(api, team_name)
    if owner is None:
        return []
    try:
        hooks = api.pages(f"{HOOKS}?team_id={owner}", size=200)
    except ApiError as error:
        if error.status == 501:
            return None
        raise
    same = [hook for hook in hooks if hook["display_name"] == display_name]
    return sorted(same, key=lambda hook: (hook["create_at"], hook["id"]))


def are_hidden(api: Api, team_name: str) -> bool:
    """Whether the server lists no webhooks although there may be some."""
    return find_webhooks(api, team_name, "") is None


def webhook_url(api: Api, team_name: str, display_name: str, in_use: Collection[str] = ()) -> str | None:
    """The address that `incoming_webhook` keeps, a secret; None while there is no webhook or it is hidden."""
    found = _ours(api, find_webhooks(api, team_name, display_name) or [], in_use)
    return f"{api.url}/hooks/{found[0]['id']}" if found else None


def webhook_owners(
    api: Api, team_name: str, display_name: str, in_use: Collection[str] = ()
) -> Collection[str]:
    """The numbers of the accounts that our webhooks of that name post as; none while the server hides them."""
    return {hook["user_id"] for hook in _ours(api, find_webhooks(api, team_name, display_name) or [], in_use)}


def _ours(api: Api, same: Sequence[Webhook], in_use: Collection[str]) -> list[Webhook]:
    """Those that are ours: of the account that the token is of, or in use by us; the latter first."""
    found = [hook for hook in same if hook["user_id"] == api.me or hook["id"] in in_use]
    return sorted(found, key=lambda hook: hook["id"] not in in_use)


def _name_others(api: Api, same: Sequence[Webhook], ours: Sequence[Webhook]) -> None:
    for hook in same:
        if hook not in ours:
            user = api.call("GET", f"/api/v4/users/{hook['user_id']}", absent=("404",))
            owner = user["username"] if user else "somebody unknown"
            note([f"incoming webhook {hook['display_name']!r}: another one, of {owner}"])


@resource
def incoming_webhook(
    api: Api,
    team_name: str,
    display_name: str,
    description: str,
    channel_name: str,
    locked: bool = True,
    remembered: bool = False,
    in_use: Collection[str] = (),
) -> Commands:
    """Have one incoming webhook that posts to the channel, and if it is `locked` to no other (`channel_locked`).

    Ours are those of the token's account and those whose numbers are `in_use`; of several the eldest is kept, one in
    use before all. What others have made under the same name is named and left alone. `remembered`: one was made
    before, which a dry run takes to be there while the server hides it.
    """
    wanted = {"display_name": display_name, "description": description, "channel_locked": locked}
    same = find_webhooks(api, team_name, display_name)
    if same is None:
        if state.is_executing:
            raise ResourceError(_switched_off(display_name))
        if remembered:
            return
    ours = _ours(api, same or [], in_use)
    _name_others(api, same or [], ours)
    if not ours:
        yield from change(
            [f"+ incoming webhook {display_name!r} to channel {channel_name}"],
            lambda: _save(api, team_name, channel_name, None, wanted),
        )
        return
    found, *doubles = ours
    lines = [
        f"~ incoming webhook {display_name!r}: {key}: {found[key]!r} -> {wanted[key]!r}"
        for key in wanted
        if found[key] != wanted[key]
    ]
    target = find_channel(api, team_name, channel_name)
    if target is None or found["channel_id"] != target["id"]:
        lines.append(f"~ incoming webhook {display_name!r}: channel: another -> {channel_name}")
    lines += [f"- incoming webhook {display_name!r}: double" for _ in doubles]

    def save() -> None:
        _delete(api, doubles)
        _save(api, team_name, channel_name, found, wanted)

    yield from change(lines, save)


@resource
def set_aside_webhooks(
    api: Api,
    team_name: str,
    display_name: str,
    new_name: str,
    remembered: bool = False,
    in_use: Collection[str] = (),
) -> Commands:
    """Have our incoming webhooks called `display_name` bear `new_name`; their addresses go on working.

    Ours are those of the token's account and those whose numbers are `in_use`. `remembered`: there is one, which a
    dry run takes to be there while the server hides it.
    """
    same = find_webhooks(api, team_name, display_name)
    found = _ours(api, same or [], in_use)
    _name_others(api, same or [], found)

    def rename() -> None:
        for hook in found:
            api.call("PUT", f"{HOOKS}/{hook['id']}", {**hook, "display_name": new_name})

    hidden = same is None and remembered and not state.is_executing
    lines = [f"~ incoming webhook: display_name: {display_name!r} -> {new_name!r}"] * (
        1 if hidden else len(found)
    )
    yield from change(lines, rename)


@resource
def no_webhooks(
    api: Api,
    team_name: str,
    display_names: Sequence[str],
    remembered: Collection[str] = (),
    memo: str | None = None,
    in_use: Collection[str] = (),
) -> Commands:
    """Have none of our incoming webhooks under these names: of the token's account, or of numbers that are `in_use`.

    While the server hides them, a dry run takes those to be there that are `remembered`. With a `memo` these are
    removed all the same: incoming webhooks are switched on for it and off again. That it has to be switched off is
    noted in this file on the host meanwhile, so that the next run does it if this one is killed.
    """
    found: list[Webhook] = []
    hidden: list[str] = []
    for name in display_names:
        same = find_webhooks(api, team_name, name)
        if same is None:
            hidden.append(name)
        else:
            ours = _ours(api, same, in_use)
            _name_others(api, same, ours)
            found += ours
    names = [name for name in hidden if name in remembered]
    if hidden and not names:
        note([f"incoming webhooks are switched off and none is known, so {hidden[0]!r} is not looked for"])
    lines = [f"- incoming webhook {name!r}" for name in [*names, *(hook["display_name"] for hook in found)]]
    if memo is None:
        if names and state.is_executing:
            raise ResourceError(_switched_off(names[0]))
        yield from change(lines, lambda: _delete(api, found))
        return
    broken_off = bool(host.get_fact(Present, paths=[memo]))
    if names:
        lines.append(f"~ {_SWITCH}: False -> True for the removal, then False again")
    elif broken_off:
        lines.append(
            f"- {memo}" if hidden else f"~ {_SWITCH}: True -> False, as before a removal that broke off"
        )
    show(lines)
    if names:
        folder = memo.rpartition("/")[0]
        text = f"{_SWITCH} was off before webhooks were removed"
        yield StringCommand(
            "install -d -m 755", QuoteString(folder), "&& echo", QuoteString(text), ">", QuoteString(memo)
        )
        yield mend(lambda: _switched_on(api, lambda: _delete_all(api, team_name, names, in_use)))
    elif found:
        yield mend(lambda: _delete(api, found))
    if broken_off and not hidden:
        yield mend(lambda: _switch(api, False))
    if names or broken_off:
        yield StringCommand("rm -f", QuoteString(memo))


def _switched_off(display_name: str) -> str:
    return (
        f"mattermost: incoming webhooks are switched off, so {display_name!r} cannot be looked at; "
        f"switch {_SWITCH} on"
    )


def _switch(api: Api, on: bool) -> None:
    patch_settings(api, {"ServiceSettings": {"EnableIncomingWebhooks": on}})


def _switched_on(api: Api, act: Callable[[], None]) -> None:
    with api.turn:  # another site of this server may be at it as well
        _switch(api, True)
        try:
            act()
        finally:
            _switch(api, False)


def _delete_all(api: Api, team_name: str, display_names: Sequence[str], in_use: Collection[str]) -> None:
    for name in display_names:
        _delete(api, _ours(api, find_webhooks(api, team_name, name) or [], in_use))


def _delete(api: Api, hooks: Sequence[Webhook]) -> None:
    for hook in hooks:
        api.call("DELETE", f"{HOOKS}/{hook['id']}")


def _target(api: Api, team_name: str, channel_name: str) -> str:
    found = find_channel(api, team_name, channel_name)
    if found is None or found["delete_at"]:  # a hook to an archived channel would swallow every message
        raise ResourceError(f"mattermost: the team {team_name} has no active channel {channel_name}")
    return str(found["id"])


def _save(
    api: Api, team_name: str, channel_name: str, found: Webhook | None, wanted: Mapping[str, Any]
) -> None:
    body = {**wanted, "channel_id": _target(api, team_name, channel_name)}
    if found is None:
        api.call("POST", HOOKS, body)
    else:  # PUT replaces the whole hook: what is left out would be emptied
        api.call("PUT", f"{HOOKS}/{found['id']}", {**found, **body})
