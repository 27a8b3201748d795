"""The slash commands of the team, for sites that have some: made, led to the relay, which has their tokens."""

from collections.abc import Collection, Iterable

from relays.wording import CATALOGUES
from tasks.context import COMMAND_TOKEN, DeployContext, command_url
from tasks.made import Made, machine_of
from tasks.operations import mattermost_connections, slash_commands
from tasks.operations.resource import each, step
from tasks.site import Site

# Notes that slash commands were switched on for their removal alone.
_MEMO = "/var/lib/passerelle/mattermost-commands-setting-to-put-back"


def wanted_commands(site: Site, relay: str) -> list[slash_commands.SlashCommand]:
    """The commands as the site describes them; `relay` is its ADDRESS:PORT, if the site has no URL for it."""
    wording = CATALOGUES[site.relays.language]
    return [
        slash_commands.SlashCommand(
            trigger=trigger,
            url=command_url(site.relays.url, relay),
            username="passerelle",
            display_name="Passerelle",
            description="GitLab",
            auto_complete_desc=wording["command.describe"],
            auto_complete_hint=wording["command.hint"],
        )
        for trigger in sorted(site.mattermost.commands)
    ]


@step("Mattermost")
def provision_commands(site: Site, context: DeployContext, made: Made, *, replaced: bool = False) -> None:
    """The commands, their way to the relay, and their tokens on the host; `replaced`: others than those there are."""
    if not site.mattermost.commands:
        return
    api, team = context.mattermost, site.mattermost.team
    mattermost_connections.allowed_connection(
        api, machine_of(context.relay), name="Way of the slash commands to the relay"
    )
    for wanted in each(wanted_commands(site, context.relay)):
        slash_commands.slash_command(
            api,
            team,
            wanted,
            remembered=(team, wanted.trigger) in made.commands,
            name=f"Slash command /{wanted.trigger}",
        )
    slash_commands.command_tokens(
        api,
        team,
        sorted(site.mattermost.commands),
        COMMAND_TOKEN,
        replaced=replaced,
        name="Tokens of the slash commands",
    )


@step("Mattermost")
def remove_commands(
    context: DeployContext, left: Collection[tuple[str, str]], made: Made, *, though_hidden: bool = False
) -> None:
    """These slash commands, given by team and word; also while the server hides them, if so asked."""
    for team in each(sorted({team for team, _ in left})):
        words = sorted(word for of, word in left if of == team)
        slash_commands.no_slash_commands(
            context.mattermost,
            team,
            words,
            remembered=[word for word in words if (team, word) in made.commands],
            memo=_MEMO if though_hidden else None,
            name=f"Slash commands of {team}",
        )


@step("Mattermost")
def remove_connections(context: DeployContext, left: Iterable[str]) -> None:
    """These entries of the list of internal addresses that Mattermost goes to."""
    for address in each(sorted(left)):
        mattermost_connections.no_allowed_connection(
            context.mattermost, address, name=f"No way of slash commands to {address}"
        )
