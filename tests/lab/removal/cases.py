"""What is changed in the settings, or taken out of them, and what `drift` must say of what is left."""

import json
import posixpath
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from requests import HTTPError

from lab import state
from tests.lab.faults.bot import another_name
from tests.lab.faults.world import INFRASTRUCTURE, World, nothing
from tests.lab.runs import deploy

Settings = dict[str, str]

OTHER = "/root/other-infrastructure"
OTHER_BOT = another_name()
ANNEX, FIRST = "root/annexe", "root/projet-test-taaf"
GROUP = "essai-groupe"
HOOK = "hook Passerelle of"
FURTHER_TREE = json.dumps([{"tree": "Comptabilite", "folders": ["Factures"], "channel": "dev-notifications"}])
NAME = "mattermost__gitlab_webhook__display_name"
HR_NAME = "mattermost__nextcloud_webhook__display_name"


@dataclass(frozen=True)
class Change:
    """A change of `setting` from `before` to `after`, what the lab's site says besides its own settings.

    `difference` is how the one begins that drift names of what is left, `prepare` is done in between, and `undo` takes
    away what people would have to, for a deploy leaves what they work in.
    """

    setting: str
    name: str
    before: Settings | Callable[[World], Settings] = lambda world: {}
    after: Settings | Callable[[World], Settings] = lambda world: {}
    difference: str = ""
    prepare: Callable[[World], object] = nothing
    undo: Callable[[World], object] = nothing

    def settings(self, world: World) -> tuple[Settings, Settings]:
        """Those before and those after."""
        before, after = (
            each if isinstance(each, dict) else each(world) for each in (self.before, self.after)
        )
        return before, after

    def __str__(self) -> str:
        return f"{self.setting}: {self.name}"


def _project_gone(path: str) -> Callable[[World], object]:
    return lambda world: world.forge.api("DELETE", f"projects/{path.replace('/', '%2F')}")


def _group(world: World) -> str:
    """A group with two projects."""
    if not any(each["full_path"] == GROUP for each in world.forge.api("GET", "groups?per_page=100")):
        world.forge.api("POST", "groups", {"name": GROUP, "path": GROUP})
    number = world.forge.api("GET", f"groups/{GROUP}")["id"]
    for name in ("un", "deux"):
        world.forge.api("POST", "projects", {"name": name, "path": name, "namespace_id": number})
    return GROUP


def _with_group(pattern: str) -> Callable[[World], Settings]:
    return lambda world: {"gitlab__projects": json.dumps([pattern])} if _group(world) else {}


def _group_gone(world: World) -> None:
    """Its projects, wherever they are by now."""
    for path in (f"{GROUP}/un", f"{GROUP}/deux", "root/un"):
        with suppress(HTTPError):
            _project_gone(path)(world)


def _team_gone(name: str) -> Callable[[World], object]:
    return lambda world: world.chat.api(
        "DELETE", f"/teams/{world.chat.api('GET', f'/teams/name/{name}')['id']}"
    )


def _channel_gone(name: str) -> Callable[[World], object]:
    return lambda world: world.chat.api("DELETE", f"/channels/{world.chat.channel(name)['id']}")


def _tree_gone(name: str) -> Callable[[World], object]:
    files = "/var/lib/docker/volumes/taaf-infrastructure_nextcloud_data/_data/data/admin/files"
    occ = "docker exec -u www-data taaf-infrastructure-nextcloud-1 php occ files:scan --path=admin/files"
    return lambda world: world.machine(f"rm -r {files}/{name} && {occ}")


def _another_folder(world: World) -> Settings:
    world.machine(f"test -d {OTHER} || {{ cp -a {INFRASTRUCTURE} {OTHER} && rm -r {OTHER}/scripts; }}")
    # The project runs on under its name, and in the folder where it was started.
    return {"host__infrastructure": OTHER, "host__compose_project": posixpath.basename(INFRASTRUCTURE)}


def _with_password(world: World) -> Settings:
    password = world.site.nextcloud.app_password
    assert password is not None
    return {"nextcloud__relay_password": password.get_secret_value()}


def _over_webdav(world: World) -> Settings:
    return {"nextcloud__source": "webdav", **_with_password(world)}


_COMMANDS_OF_A_BOT: Settings = {"mattermost__posting": "bot", "mattermost__commands": '["passerelle"]'}


def _with_write_token(world: World) -> Settings:
    token = world.site.gitlab.token.get_secret_value()
    return {**_COMMANDS_OF_A_BOT, "gitlab__people": '{"root": "admin"}', "gitlab__write_token": token}


def without_token(world: World) -> Settings:
    """The lab's settings in another file: a variable cannot take a setting out."""
    path = state.STATE / "without-token.toml"
    state.write_private(
        path, re.sub(r"^read_token = .*\n", "", state.SETTINGS.read_text(), flags=re.MULTILINE)
    )
    return {"settings": str(path)}


CHANGES = [
    Change(
        "gitlab.projects",
        "one is taken out",
        {"gitlab__projects": json.dumps([ANNEX])},
        difference=f"{HOOK} {ANNEX} to http",
        undo=_project_gone(ANNEX),
    ),
    Change(
        "gitlab.projects",
        "one is moved in GitLab, and the settings follow",
        {"gitlab__projects": json.dumps([ANNEX])},
        {"gitlab__projects": json.dumps([f"{ANNEX}-2"])},
        difference="/var/lib/passerelle/made.json",
        prepare=lambda w: w.forge.api("PUT", f"projects/{ANNEX.replace('/', '%2F')}", {"path": "annexe-2"}),
        undo=_project_gone(f"{ANNEX}-2"),
    ),
    Change(
        "gitlab.projects",
        "one is deleted in GitLab and taken out",
        {"gitlab__projects": json.dumps([ANNEX])},
        difference="/var/lib/passerelle/made.json",
        prepare=_project_gone(ANNEX),
    ),
    Change(
        "gitlab.project",
        "another one",
        {"gitlab__project": ANNEX},
        difference=f"{HOOK} {ANNEX} to http",
        undo=_project_gone(ANNEX),
    ),
    Change(
        "gitlab.projects",
        "a pattern is taken out",
        _with_group(f"{GROUP}/*"),
        difference=f"{HOOK} {GROUP}/un to http",
        undo=_group_gone,
    ),
    Change(
        "gitlab.projects",
        "one of a pattern's is left out",
        _with_group(f"{GROUP}/*"),
        {"gitlab__projects": json.dumps([f"{GROUP}/*", f"!{GROUP}/un"])},
        difference=f"{HOOK} {GROUP}/un to http",
        undo=_group_gone,
    ),
    Change(
        "gitlab.projects",
        "one is moved out of a pattern's group",
        _with_group(f"{GROUP}/*"),
        {"gitlab__projects": json.dumps([f"{GROUP}/*"])},
        difference=f"{HOOK} {GROUP}/un to http",
        prepare=lambda w: w.forge.api("PUT", f"projects/{GROUP}%2Fun/transfer", {"namespace": "root"}),
        undo=_group_gone,
    ),
    Change(
        "gitlab.groups",
        "one is taken out",
        lambda world: {"gitlab__groups": json.dumps([_group(world)])},
        difference=f"{HOOK} {GROUP}/un to http",
        undo=_group_gone,
    ),
    Change("relays.port", "another one", {"relays__port": "8091"}, difference="outbound allow-list entry"),
    Change(
        "relays.address",
        "another one",
        {"relays__address": "passerelle-lab-host"},
        difference="outbound allow-list entry passerelle-lab-host:8090",
    ),
    Change(
        "relays.url",
        "taken out",
        {"relays__url": "http://passerelle-lab-host:8090"},
        difference="outbound allow-list entry passerelle-lab-host:8090",
    ),
    Change(
        "mattermost.team",
        "another one",
        {"mattermost__team": "essai", "mattermost__team_display_name": "Essai"},
        difference="incoming webhook 'GitLab Notifications'",
        undo=_team_gone("essai"),
    ),
    Change(
        "mattermost.gitlab_webhook.display_name",
        "another one",
        {NAME: "Forge"},
        difference="incoming webhook 'Forge'",
    ),
    Change(
        "mattermost.gitlab_webhook.display_name",
        "another one, twice",
        {NAME: "Forge"},
        {NAME: "Forge 3"},
        difference="incoming webhook 'Forge 2'",
        prepare=lambda w: deploy(**{NAME: "Forge 2"}),
    ),
    Change(
        "mattermost.nextcloud_webhook.display_name",
        "another one",
        {HR_NAME: "Nuage"},
        difference="incoming webhook 'Nuage'",
    ),
    Change(
        "mattermost.nextcloud_webhook.display_name",
        "exchanged with the other one's",
        {NAME: "Nextcloud File Monitor", HR_NAME: "GitLab Notifications"},
        difference="incoming webhook 'GitLab Notifications': channel",
    ),
    Change(
        "mattermost.posting",
        "webhook again",
        {"mattermost__posting": "bot"},
        difference="token of the bot passerelle",
    ),
    Change(
        "gitlab.routes",
        "a channel of the bot's is taken out",
        {
            "mattermost__posting": "bot",
            "gitlab__routes": '[{"channels": ["off-topic"], "events": ["wiki_page"]}]',
        },
        {"mattermost__posting": "bot"},
        difference="bot passerelle in channel off-topic",
    ),
    Change(
        "gitlab.reminders",
        "a channel of the bot's is taken out",
        {
            "mattermost__posting": "bot",
            "gitlab__reminders": '{"at": "08:30", "channels": ["off-topic"]}',
        },
        {"mattermost__posting": "bot"},
        difference="bot passerelle in channel off-topic",
    ),
    Change(
        "mattermost.bot.username",
        "another one",
        {"mattermost__posting": "bot"},
        {"mattermost__posting": "bot", "mattermost__bot__username": OTHER_BOT},
        difference=f"bot {OTHER_BOT}: username",
    ),
    Change(
        "mattermost.commands",
        "one is taken out",
        {"mattermost__commands": '["passerelle", "gitlab"]'},
        {"mattermost__commands": '["passerelle"]'},
        difference="slash command /gitlab",
    ),
    Change(
        "mattermost.commands",
        "none any more",
        {"mattermost__commands": '["passerelle"]'},
        difference="slash command /passerelle",
    ),
    Change(
        "mattermost.gitlab_webhook.channel",
        "another one",
        {"mattermost__gitlab_webhook__channel": "essai-dev"},
        difference="incoming webhook 'GitLab Notifications': channel",
        undo=_channel_gone("essai-dev"),
    ),
    Change(
        "nextcloud.trees",
        "one is taken out",
        {"nextcloud__trees": FURTHER_TREE},
        difference="/run/passerelle/Comptabilite",
        undo=_tree_gone("Comptabilite"),
    ),
    Change(
        "nextcloud.trees",
        "one of another owner was taken out before deploys knew of it",
        difference="/run/passerelle.bob",
        prepare=lambda w: w.machine("mkdir -p /run/passerelle.bob/Comptabilite"),
    ),
    Change(
        "nextcloud.relay_password",
        "taken out",
        _with_password,
        difference="/etc/passerelle/nextcloud-app-password",
    ),
    Change(
        "nextcloud.source", "disk again", _over_webdav, difference="/etc/passerelle/nextcloud-app-password"
    ),
    Change("nextcloud.source", "webdav", after=_over_webdav, difference="/run/passerelle/Documents_RH"),
    Change(
        "gitlab.read_token", "taken out", after=without_token, difference="/etc/passerelle/gitlab-read-token"
    ),
    Change(
        "gitlab.write_token",
        "taken out",
        _with_write_token,
        _COMMANDS_OF_A_BOT,
        difference="/etc/passerelle/gitlab-write-token",
    ),
    Change(
        "nextcloud.tree",
        "another one",
        {"nextcloud__tree": "Essai_RH"},
        difference="/run/passerelle/Essai_RH",
        undo=_tree_gone("Essai_RH"),
    ),
    Change(
        "host.infrastructure",
        "another folder",
        _another_folder,
        difference=f"{OTHER}/scripts/status.sh",
        undo=lambda w: w.machine(f"rm -r {OTHER}"),
    ),
]

# Settings of which nothing can be left, and why.
_FILE = "one file holds it, which is written again"
_ALTERED = "the thing that bears it is altered"
_HERE = "the machine of the deploy alone reads it"
_SERVER = "what stays there is named, in tests/unit/test_record.py"
NOTHING = {
    "portal_url": _FILE,
    **dict.fromkeys(
        (
            f"nextcloud.{n}"
            for n in ("announce", "discretion", "folder_discretion", "categories", "remind_after")
        ),
        _FILE,
    ),
    **dict.fromkeys(
        (
            f"nextcloud.{n}"
            for n in ("icons", "wording", "label", "username", "burst_from", "poll_seconds", "url")
        ),
        _FILE,
    ),
    **dict.fromkeys((f"gitlab.{n}" for n in ("detail", "mute", "notify", "people", "wording")), _FILE),
    **dict.fromkeys(("gitlab.conversations", "gitlab.direct_messages"), _FILE),
    **dict.fromkeys((f"relays.{n}" for n in ("language", "digest_from", "footer")), _FILE),
    **dict.fromkeys(("gitlab.other_projects", "gitlab.service", "nextcloud.service"), _FILE),
    **dict.fromkeys(("mattermost.operators", "mattermost.buttons"), _FILE),
    **dict.fromkeys(("mattermost.proxy", "gitlab.proxy", "nextcloud.proxy"), _FILE),
    "mattermost.team_display_name": _ALTERED,
    **dict.fromkeys((f"mattermost.bot.{n}" for n in ("display_name", "description")), _ALTERED),
    **{
        f"mattermost.{hook}_webhook.{name}": _ALTERED
        for hook in ("gitlab", "nextcloud")
        for name in ("description", "channel_display_name", "channel_purpose")
    },
    "mattermost.nextcloud_webhook.channel": _ALTERED,
    **{
        f"mattermost.{hook}_webhook.{name}": "who may read a channel is not for a deploy to widen or to narrow"
        for hook in ("gitlab", "nextcloud")
        for name in ("private", "members")
    },
    **dict.fromkeys((f"host.{n}" for n in ("ssh_port", "ssh_user", "ssh_key", "known_hosts")), _HERE),
    **dict.fromkeys((f"host.{n}" for n in ("sudo", "sudo_password")), _HERE),
    **dict.fromkeys(("host.api_access", "mattermost.token", "gitlab.token", "nextcloud.app_password"), _HERE),
    **dict.fromkeys(("gitlab.web_user", "gitlab.web_password"), _HERE),
    "host.compose_project": _FILE,
    "nextcloud.folders": "people work in them",
    **dict.fromkeys(("nextcloud.data_directory", "nextcloud.admin"), "the units bind another folder instead"),
    "host.address": "another host: make teardown for the one before",
    **dict.fromkeys(("mattermost.url", "gitlab.url"), _SERVER),
}

# Settings that have a test of their own.
ELSEWHERE = {
    "host.ca": "test_tls",
    "relays.hosts": "test_relay_hosts",
    "relays.spool": "test_relay_hosts",
    "mattermost.gitlab_webhook.icon": "test_icons",
    "mattermost.nextcloud_webhook.icon": "test_icons",
}
