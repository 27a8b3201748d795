"""Faults of what the deploy makes in Mattermost."""

import json
import secrets
import tempfile
from pathlib import Path

from tests.lab.faults.world import INFRASTRUCTURE, Fault, World, files, nothing
from tests.picture import png

IMAGE = Path(tempfile.gettempdir()) / "passerelle-icon.png"
GITLAB, NEXTCLOUD = "GitLab Notifications", "Nextcloud File Monitor"
NEW = f"new-{secrets.token_hex(4)}"
SWITCHES = (
    "EnableIncomingWebhooks",
    "EnableOutgoingWebhooks",
    "EnableCommands",
    "EnableOAuthServiceProvider",
    "EnablePostUsernameOverride",
    "EnablePostIconOverride",
)


def _switched_off(setting: str) -> Fault:
    return Fault(
        "Mattermost setting",
        "disabled",
        f"{setting} off",
        lambda w: w.switch(setting, False),
        f"ServiceSettings.{setting}",
        "True",
        "False",
    )


def _team(world: World) -> str:
    return str(world.chat.api("GET", f"/teams/name/{world.site.mattermost.team}")["id"])


def _double(world: World) -> None:
    channel = world.chat.channel("rh-alerts")["id"]
    world.chat.api("POST", "/hooks/incoming", {"channel_id": channel, "display_name": NEXTCLOUD})


def _lead_elsewhere(world: World) -> None:
    world.alter_incoming(NEXTCLOUD, channel_id=world.chat.channel("dev-notifications")["id"])


def _archive_channel(world: World, name: str) -> None:
    world.chat.api("DELETE", f"/channels/{world.chat.channel(name)['id']}")


def _rename_channel(world: World, **texts: str) -> None:
    world.chat.api("PUT", f"/channels/{world.chat.channel('rh-alerts')['id']}/patch", texts)


def _publish_channel(world: World) -> None:
    world.chat.api("PUT", f"/channels/{world.chat.channel('rh-alerts')['id']}/privacy", {"privacy": "O"})


def _add_account(world: World) -> None:
    account = {"username": NEW, "email": f"{NEW}@example.org", "password": secrets.token_hex(16)}
    world.chat.api("POST", "/users", account)


def _remove_account(world: World) -> None:
    number = world.chat.api("GET", f"/users/username/{NEW}")["id"]
    world.chat.api("DELETE", f"/channels/{world.chat.channel('rh-alerts')['id']}/members/{number}")
    world.chat.api("PUT", f"/users/{number}/active", {"active": False})


def _archive_new_team(world: World) -> None:
    team = world.chat.api("GET", f"/teams/name/{NEW}")["id"]
    for hook in world.chat.api("GET", f"/hooks/incoming?team_id={team}"):
        world.chat.api("DELETE", f"/hooks/incoming/{hook['id']}")
    world.chat.api("DELETE", f"/teams/{team}")


def _icon(world: World) -> dict[str, str]:
    """The site wants an icon."""
    IMAGE.write_bytes(png(200))
    return {"mattermost__gitlab_webhook__icon": str(IMAGE)}


FAULTS = [
    *map(_switched_off, SWITCHES),
    Fault(
        "team",
        "missing",
        "a new one",
        nothing,
        f"team {NEW}",
        "is there",
        "is missing",
        settings=lambda w: {"mattermost__team": NEW},
        undo=_archive_new_team,
    ),
    Fault(
        "team",
        "altered",
        "shown under another name",
        lambda w: w.chat.api("PUT", f"/teams/{_team(w)}/patch", {"display_name": "Other"}),
        "team taaf: display_name",
        "'TAAF'",
        "'Other'",
    ),
    Fault(
        "team",
        "disabled",
        "archived",
        lambda w: w.chat.api("DELETE", f"/teams/{_team(w)}"),
        "team taaf",
        "active",
        "archived",
    ),
    Fault(
        "channel",
        "missing",
        "a new one",
        nothing,
        f"channel {NEW} in team taaf",
        "is there",
        "is missing",
        settings=lambda w: {"mattermost__nextcloud_webhook__channel": NEW},
        undo=lambda w: _archive_channel(w, NEW),
    ),
    Fault(
        "channel",
        "altered",
        "shown under another name",
        lambda w: _rename_channel(w, display_name="Other"),
        "channel rh-alerts: display_name",
        "'rh-alerts'",
        "'Other'",
    ),
    Fault(
        "channel",
        "altered",
        "of another purpose",
        lambda w: _rename_channel(w, purpose=""),
        "channel rh-alerts: purpose",
        "'Nouveaux documents RH'",
        "''",
    ),
    Fault(
        "channel",
        "altered",
        "public, and to be private",
        nothing,
        "channel rh-alerts",
        "private",
        "public",
        settings=lambda w: {"mattermost__nextcloud_webhook__private": "true"},
        undo=_publish_channel,
    ),
    Fault(
        "channel",
        "missing",
        "somebody who is to be a member",
        _add_account,
        f"member {NEW} of channel rh-alerts",
        "is there",
        "is missing",
        settings=lambda w: {"mattermost__nextcloud_webhook__members": json.dumps([NEW])},
        undo=_remove_account,
    ),
    Fault(
        "channel",
        "disabled",
        "archived, its webhook lost",
        lambda w: _archive_channel(w, "rh-alerts"),
        "channel rh-alerts",
        "active",
        "archived",
    ),
    Fault(
        "incoming webhook",
        "missing",
        "deleted",
        lambda w: w.chat.api("DELETE", f"/hooks/incoming/{w.incoming(GITLAB)['id']}"),
        f"incoming webhook '{GITLAB}'",
        "is there",
        "is missing",
    ),
    Fault(
        "incoming webhook",
        "altered",
        "leads to another channel",
        _lead_elsewhere,
        f"incoming webhook '{NEXTCLOUD}': channel",
        "rh-alerts",
        "another",
    ),
    Fault(
        "incoming webhook",
        "altered",
        "unlocked",
        lambda w: w.alter_incoming(GITLAB, channel_locked=False),
        f"incoming webhook '{GITLAB}': channel_locked",
        "True",
        "False",
    ),
    Fault(
        "incoming webhook",
        "altered",
        "described otherwise",
        lambda w: w.alter_incoming(GITLAB, description="?"),
        f"incoming webhook '{GITLAB}': description",
        "'Notifications",
        "'?'",
    ),
    Fault(
        "incoming webhook",
        "duplicated",
        "doubled",
        _double,
        f"incoming webhook '{NEXTCLOUD}': double",
        "is not there",
        "is there",
    ),
    *files("URLs of the webhooks", f"{INFRASTRUCTURE}/scripts/.webhooks.conf", "600"),
    Fault(
        "custom emoji",
        "missing",
        "an icon that is new",
        nothing,
        "custom emoji passerelle-",
        "is there",
        "is missing",
        settings=_icon,
        undo=lambda w: IMAGE.unlink(),
    ),
]
