"""Slash commands of a team of Mattermost over its API v4: made, altered, removed, their tokens kept on the host.

Measured on 5.37 and read in 11.6. A word is one command's in a team. Whoever may manage a command is shown its token,
which a change of the command keeps and nothing but the server can choose. While slash commands are switched off the
server answers 501 and shows none, and those that there are do nothing until it is switched on again: hidden is not
absent.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from pyinfra import host, state
from pyinfra.api import QuoteString, StringCommand

from tasks.operations.absent import Present
from tasks.operations.api import Api, ApiError
from tasks.operations.mattermost import patch_settings, team_number
from tasks.operations.resource import Commands, ResourceError, change, mend, note, resource, show
from tasks.operations.secret_file import ACCESS
from tasks.operations.text_file import Files, write

Listed = Mapping[str, Any]

COMMANDS = "/api/v4/commands"
MARK = "(Passerelle)"
"""What the description of a command ends with that is ours."""
_SWITCH = "ServiceSettings.EnableCommands"
_DUPLICATE = "api.command.duplicate_trigger.app_error"


@dataclass(frozen=True)
class SlashCommand:
    """A command as it is wanted: its word, where it leads, how it is shown to who types."""

    trigger: str
    url: str
    username: str
    display_name: str
    description: str
    auto_complete_desc: str
    auto_complete_hint: str

    @property
    def values(self) -> dict[str, Any]:
        """What the API is given; by POST, for with GET the token would stand in the address."""
        return {
            **asdict(self),
            "description": f"{self.description} {MARK}".lstrip(),
            "method": "P",
            "auto_complete": True,
        }


def find_commands(api: Api, team: str, triggers: Collection[str] | None = None) -> list[Listed] | None:
    """The team's commands of these words, or all, whoever made them; None while the server hides them."""
    owner = team_number(api, team)
    if owner is None:
        return []
    try:
        found = api.call("GET", f"{COMMANDS}?team_id={owner}&custom_only=true")
    except ApiError as error:
        if error.status == 501:
            return None
        raise
    return [each for each in found if triggers is None or each["trigger"] in triggers]


def is_ours(found: Listed) -> bool:
    """Whether Passerelle has made a command: by the mark, for its account may be a person's, who makes others too."""
    return str(found["description"]).endswith(MARK)


def are_saved(found: Sequence[Listed], digest: str) -> bool:
    """Whether a file of this sha256 holds the tokens of these commands."""
    return digest == sha256(_text(found).encode()).hexdigest()


def _text(found: Sequence[Listed]) -> str:
    return "".join(f"{each['token']}\n" for each in sorted(found, key=lambda each: str(each["trigger"])))


@resource
def slash_command(api: Api, team: str, wanted: SlashCommand, remembered: bool = False) -> Commands:
    """Have the team's command of this word be ours and as it is wanted; its token stays.

    A word that is somebody else's is refused. `remembered`: one was made before, which a dry run takes to be there
    while the server hides it.
    """
    listed = find_commands(api, team, {wanted.trigger})
    if listed is None and state.is_executing:
        raise _switched_off(wanted.trigger)
    if listed is None and remembered:
        return
    found = listed[0] if listed else None
    what = f"slash command /{wanted.trigger}"
    if found is not None and not is_ours(found):
        raise _taken(wanted.trigger)
    if found is None:
        lines = [f"+ {what} in team {team}"]
    else:
        lines = [
            f"~ {what}: {key}: {found[key]!r} -> {value!r}"
            for key, value in wanted.values.items()
            if found[key] != value
        ]

    def save() -> None:
        if found is not None:
            api.call("PUT", f"{COMMANDS}/{found['id']}", {**found, **wanted.values})
            return
        owner = team_number(api, team)
        if owner is None:
            raise ResourceError(f"mattermost: there is no team {team}; check mattermost.team")
        try:
            api.call("POST", COMMANDS, {"team_id": owner, **wanted.values})
        except ApiError as error:
            if error.code == _DUPLICATE:
                raise _taken(wanted.trigger) from None
            raise

    yield from change(lines, save)


def _taken(trigger: str) -> ResourceError:
    return ResourceError(
        f"mattermost.commands: /{trigger} is another command already, of Mattermost's own or of somebody else's; "
        f"choose another word, or have its description end with {MARK} if it is Passerelle's"
    )


def _switched_off(trigger: str) -> ResourceError:
    return ResourceError(
        f"mattermost: slash commands are switched off, so /{trigger} cannot be looked at; switch {_SWITCH} on"
    )


@resource
def command_tokens(
    api: Api, team: str, triggers: Sequence[str], path: str, *, replaced: bool = False
) -> Commands:
    """Have the file `path`, mode 0600, hold the tokens of our commands of these words, a line each.

    With `replaced` the server makes others first; those that there were end at once.
    """
    listed = find_commands(api, team, triggers)
    access, digest = host.get_fact(Files, paths=[path]).get(path, ("", ""))
    ours = [each for each in listed or [] if is_ours(each)]
    if state.is_executing and len(ours) < len(triggers):
        raise ResourceError(
            f"{path}: there is no slash command that its token could be of; run the deploy again"
        )
    fault = None
    if replaced:
        fault = "to be replaced -> new tokens of the slash commands"
    elif listed is not None and (len(ours) < len(triggers) or not are_saved(ours, digest)):
        # While they are hidden, what is saved is taken for what is there.
        fault = "other content"
    lines = []
    if not access:
        lines.append(f"+ {path} ({ACCESS}): the tokens of the slash commands")
    else:
        lines += [f"~ {path}: {fault}"] if fault else []
        lines += [f"~ {path}: {access} -> {ACCESS}"] if access != ACCESS else []
    show(lines)
    if not access or fault:
        kept = [dict(each) for each in ours]
        if replaced:
            yield mend(lambda: _renew(api, kept))
        yield write(path, "cat", "600", "root", "root", _text(kept))
    elif lines:
        yield StringCommand("chown root:root", QuoteString(path), "&& chmod 600", QuoteString(path))


def _renew(api: Api, commands: Sequence[dict[str, Any]]) -> None:
    for each in commands:
        each["token"] = api.call("PUT", f"{COMMANDS}/{each['id']}/regen_token")["token"]


@resource
def no_slash_commands(
    api: Api,
    team: str,
    triggers: Collection[str],
    remembered: Collection[str] = (),
    memo: str | None = None,
) -> Commands:
    """Have none of our commands of these words in the team; those of others are named and left alone.

    While the server hides them, those that are `remembered` are taken to be there. With a `memo` these are removed all
    the same: slash commands are switched on for it and off again, which is noted in this file on the host meanwhile, so
    that the next run does it if this one is killed.
    """
    listed = find_commands(api, team, triggers)
    found = []
    for each in listed or []:
        if is_ours(each):
            found.append(each)
        else:
            note([f"slash command /{each['trigger']}: another one"])
    hidden = sorted(set(triggers) & set(remembered)) if listed is None else []
    lines = [f"- slash command /{name}" for name in [*hidden, *(each["trigger"] for each in found)]]
    broken_off = memo is not None and bool(host.get_fact(Present, paths=[memo]))
    if hidden and memo is None and state.is_executing:
        raise _switched_off(hidden[0])
    if hidden and memo:
        lines.append(f"~ {_SWITCH}: False -> True for the removal, then False again")
    elif broken_off:
        left_on = f"~ {_SWITCH}: True -> False, as before a removal that broke off"
        lines.append(left_on if listed is not None else f"- {memo}")
    show(lines)
    if hidden and memo:
        text = f"{_SWITCH} was off before slash commands were removed"
        folder = QuoteString(memo.rpartition("/")[0])
        yield StringCommand("install -d -m 755", folder, "&& echo", QuoteString(text), ">", QuoteString(memo))
        yield mend(lambda: _delete_hidden(api, team, hidden))
    elif found:
        yield mend(lambda: _delete(api, found))
    if broken_off and listed is not None:
        yield mend(lambda: _switch(api, on=False))
    if memo and (hidden or broken_off):
        yield StringCommand("rm -f", QuoteString(memo))


def _delete(api: Api, commands: Sequence[Listed]) -> None:
    for each in commands:
        api.call("DELETE", f"{COMMANDS}/{each['id']}")


def _delete_hidden(api: Api, team: str, triggers: Collection[str]) -> None:
    with api.turn:  # another site of this server may be at it as well
        _switch(api, on=True)
        try:
            found = find_commands(api, team, triggers) or []
            _delete(api, [each for each in found if is_ours(each)])
        finally:
            _switch(api, on=False)


def _switch(api: Api, *, on: bool) -> None:
    patch_settings(api, {"ServiceSettings": {"EnableCommands": on}})
