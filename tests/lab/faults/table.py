"""Every resource of the deploy against every kind of drift, and why a kind does not apply."""

from collections.abc import Mapping

from tests.lab.faults import bot, chat, cloud, commands, forge, machine
from tests.lab.faults.world import KINDS, Fault

FAULTS: list[Fault] = [
    *chat.FAULTS,
    *bot.FAULTS,
    *commands.FAULTS,
    *cloud.FAULTS,
    *forge.FAULTS,
    *machine.FAULTS,
]

_ONE_NAME = "there is one of a name"
_NO_SWITCH = "it cannot be switched off"
_NO_FILE = "it has no owner and no mode"
_IN_APPLICATION = {"owner": _NO_FILE, "mode": _NO_FILE}
_FILE = {"duplicated": _ONE_NAME, "disabled": _NO_SWITCH}
_ABSENT = {kind: "it is not there" for kind in KINDS if kind != "altered"}

# The operation that keeps each resource, and the kinds of drift that it cannot have.
ROWS: dict[str, tuple[str, dict[str, str]]] = {
    "Mattermost setting": (
        "mattermost.settings",
        {
            "missing": "it always has a value",
            "altered": "it is a switch: see disabled",
            "duplicated": _ONE_NAME,
            **_IN_APPLICATION,
        },
    ),
    "team": ("mattermost.team", {"duplicated": _ONE_NAME, **_IN_APPLICATION}),
    "channel": ("mattermost.channel", {"duplicated": _ONE_NAME, **_IN_APPLICATION}),
    "incoming webhook": (
        "webhooks.incoming_webhook",
        {"disabled": "all of them are, by a Mattermost setting", **_IN_APPLICATION},
    ),
    "custom emoji": (
        "mattermost_emoji.emoji",
        {
            "altered": "its image is in its name",
            "duplicated": _ONE_NAME,
            "disabled": "all of them are, by a Mattermost setting",
            **_IN_APPLICATION,
        },
    ),
    "bot": ("mattermost_bot.bot", {"duplicated": _ONE_NAME, **_IN_APPLICATION}),
    "membership of the bot": (
        "mattermost_bot.bot_memberships",
        {"duplicated": "one is a member once", "disabled": _NO_SWITCH, **_IN_APPLICATION},
    ),
    "token of the bot": ("bot_tokens.bot_token", {"disabled": "the bot is, as a whole"}),
    "internal address": (
        "mattermost_connections.allowed_connection",
        {"altered": "it is the address", "duplicated": _ONE_NAME, "disabled": _NO_SWITCH, **_IN_APPLICATION},
    ),
    "slash command": (
        "slash_commands.slash_command",
        {
            "duplicated": "a word is one command's",
            "disabled": "all of them are, by a Mattermost setting",
            **_IN_APPLICATION,
        },
    ),
    "tokens of the commands": ("slash_commands.command_tokens", _FILE),
    "URLs of the webhooks": ("text_file.text_files", _FILE),
    "Nextcloud folder": ("nextcloud.folder_tree", _FILE),
    "allow-list": (
        "gitlab.outbound_allow_list",
        {"duplicated": "GitLab drops doubles", "disabled": _NO_SWITCH, **_IN_APPLICATION},
    ),
    "project": (
        "gitlab.project",
        {"altered": "what people make of it is theirs", "duplicated": _ONE_NAME, **_IN_APPLICATION},
    ),
    "hook": ("project_hooks.project_hook", _IN_APPLICATION),
    "secret token of the hook": ("secret_file.generated_secret", {"disabled": _NO_SWITCH}),
    "signing token of the hook": ("secret_file.generated_secret", {"disabled": _NO_SWITCH}),
    "token for the log of deliveries": ("secret_file.given_secret", _FILE),
    "package of the relays": ("python_app.python_app", _FILE),
    "trial of a new release": ("python_app.accepted", _ABSENT),
    "settings of a relay": ("text_file.text_files", _FILE),
    "unit": ("unit.service", {"duplicated": _ONE_NAME}),
    "no path unit over WebDAV": ("unit.no_other_units", _ABSENT),
    "no app password": ("absent.no_paths", _ABSENT),
    "operator command": ("text_file.text_files", _FILE),
}

# What keeps no state of a deployed site, and the test that it has instead.
ACTS = {
    "bot_tokens.no_former_tokens": "test_bot",
    "absent.nothing_but": "test_removal",
    "absent.no_service": "test_teardown",
    "nextcloud_dav.dav_folder_tree": "test_elsewhere",
    "gitlab.no_allow_list_entry": "test_teardown",
    "group_hooks.group_hook": "test_groups",
    "group_hooks.no_group_hook": "test_groups",
    "project_hooks.hooks_of_projects": "test_groups",
    "project_hooks.no_project_hook": "test_teardown",
    "mattermost_bot.no_bot": "test_bot",
    "mattermost_bot.no_bot_memberships": "test_removal",
    "mattermost_connections.no_allowed_connection": "test_removal",
    "mattermost_emoji.no_emojis": "test_icons",
    "secret_file.add_secret": "test_rotate",
    "secret_file.drop_others": "test_rotate",
    "secret_file.succeeding_secret": "test_relay_hosts",
    "secret_file.use_newest": "test_rotate",
    "slash_commands.no_slash_commands": "test_removal",
    "webhooks.no_webhooks": "test_teardown",
    "webhooks.set_aside_webhooks": "test_rotate",
}

Outcomes = Mapping[tuple[str, str], set[str]]
"""The outcomes (passed, failed, …) of the cases of each row and kind that ran."""


def cell(row: str, kind: str, outcomes: Outcomes) -> str:
    """The sign of a row and kind, after a run."""
    if kind in ROWS[row][1]:
        return "–"
    found = outcomes.get((row, kind), set())
    if found - {"passed", "skipped"}:
        return "✗"
    return "✓" if "passed" in found else "·"


def lines(outcomes: Outcomes) -> list[str]:
    """The table of a run, as text."""
    width = max(map(len, ROWS))
    table = ["  ".join(["".ljust(width), *KINDS])]
    for row in ROWS:
        signs = [cell(row, kind, outcomes).center(len(kind)) for kind in KINDS]
        table.append("  ".join([row.ljust(width), *signs]).rstrip())
    return [
        *table,
        "✓ named by drift, repaired by the next run, no change by the one after   ✗ not so",
        "· not in this run (--exhaustive runs all)   – cannot be: tests/lab/faults/table.py says why",
    ]
