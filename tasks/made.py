"""What a deploy makes outside the places of the host that never change, as one value that can be kept and compared."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from tasks.site import Site
from tasks.site_machines import Machine
from tasks.site_mattermost import IncomingWebhook
from tasks.ssh import port_of


def _same(value: Any) -> Any:
    return value


# What distinguishes one thing of a kind: GitLab takes a path in any case; a host is one whoever logs in.
_IDENTITY: Mapping[str, Callable[[Any], Any]] = {
    "projects": str.lower,
    "groups": str.lower,
    "addresses": _same,
    "webhooks": _same,
    "bots": _same,
    "bot_channels": _same,
    "commands": _same,
    "connections": _same,
    "files": _same,
    "machines": lambda machine: (machine.address.lower(), port_of(machine)),
}
# Mattermost takes 64 bytes for the name of a webhook.
_LONGEST = 48


@dataclass(frozen=True)
class Made:
    """`webhooks` are teams and names, `bots` user names, `bot_channels` teams and channels that the bot was put in,
    `commands` teams and words, `connections` what is on Mattermost's list of internal addresses, `addresses` what is on
    GitLab's, `files` paths on the host.

    `groups` are those with a hook of their own. `gitlab` and `mattermost` are the servers' addresses, empty if they are
    not known. What the host itself says is neither compared nor kept: `in_use` are the numbers of the webhooks whose
    addresses the relays have, which are secrets, `port` is that of the GitLab relay, empty without one, `spool`
    whether it was given a shared one; `foreign` are the connections that somebody else has allowed before.
    """

    gitlab: str = ""
    mattermost: str = ""
    projects: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    webhooks: frozenset[tuple[str, str]] = frozenset()
    bots: frozenset[str] = frozenset()
    bot_channels: frozenset[tuple[str, str]] = frozenset()
    commands: frozenset[tuple[str, str]] = frozenset()
    connections: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    machines: frozenset[Machine] = frozenset()
    in_use: frozenset[str] = field(default=frozenset(), repr=False, compare=False)
    port: str = field(default="", compare=False)
    spool: bool = field(default=False, compare=False)
    foreign: frozenset[str] = field(default=frozenset(), compare=False)

    def __or__(self, other: "Made") -> "Made":
        """All of both; of a thing that is in both, and of the servers, what the other one says."""
        both: dict[str, Any] = {
            kind: getattr(other, kind) | getattr(self - other, kind) for kind in _IDENTITY
        }
        both["gitlab"] = other.gitlab or self.gitlab
        both["mattermost"] = other.mattermost or self.mattermost
        return replace(self, **both)

    def __sub__(self, other: "Made") -> "Made":
        """What the other one has not."""
        left: dict[str, Any] = {}
        for kind, identity in _IDENTITY.items():
            known = set(map(identity, getattr(other, kind)))
            left[kind] = frozenset(each for each in getattr(self, kind) if identity(each) not in known)
        return replace(self, **left)

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return any(getattr(self, kind) for kind in _IDENTITY)

    def to_json(self) -> str:
        """As it is kept; the same value is always the same text."""
        values = {kind: sorted(getattr(self, kind), key=identity) for kind, identity in _IDENTITY.items()}
        values["machines"] = [
            machine.model_dump(mode="json", exclude={"sudo_password"}) for machine in values["machines"]
        ]
        servers = {"gitlab": self.gitlab, "mattermost": self.mattermost}
        return json.dumps(servers | values, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Made":
        """What `to_json` wrote; ValueError for anything else."""
        try:
            values = json.loads(text)
            return cls(
                gitlab=str(values["gitlab"]),
                mattermost=str(values["mattermost"]),
                projects=frozenset(map(str, values["projects"])),
                # 1.0.0 made no hooks of groups.
                groups=frozenset(map(str, values.get("groups", ()))),
                addresses=frozenset(map(str, values["addresses"])),
                webhooks=frozenset((str(team), str(name)) for team, name in values["webhooks"]),
                # Those of earlier releases know of none.
                bots=frozenset(map(str, values.get("bots", []))),
                bot_channels=frozenset(
                    (str(team), str(name)) for team, name in values.get("bot_channels", [])
                ),
                commands=frozenset((str(team), str(word)) for team, word in values.get("commands", [])),
                connections=frozenset(map(str, values.get("connections", []))),
                files=frozenset(map(str, values["files"])),
                machines=frozenset(_machine(machine) for machine in values["machines"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from None


def _machine(values: Mapping[str, Any]) -> Machine:
    """A machine as it was kept; files of keys that are gone since do not make the rest unknown."""
    try:
        return Machine(**values)
    except ValidationError:
        files = ("ssh_key", "known_hosts")
        return Machine(**{name: value for name, value in values.items() if name not in files})


def described(site: Site, relay: str = "", files: Iterable[str] = ()) -> Made:
    """What the settings describe; `relay` is its ADDRESS:PORT for GitLab, `files` lie beside the applications."""
    chat = site.mattermost
    return Made(
        gitlab=site.gitlab.url,
        mattermost=chat.url,
        projects=frozenset(site.projects),
        addresses=frozenset(filter(None, [relay])),
        webhooks=frozenset((chat.team, hook.display_name) for hook in hooks_of(site)),
        bots=frozenset([chat.bot.username] if posts_as_bot(site) else []),
        bot_channels=frozenset((chat.team, name) for name in channels_of(site) if posts_as_bot(site)),
        commands=frozenset((chat.team, word) for word in chat.commands),
        connections=frozenset([machine_of(relay)] if relay and chat.commands else []),
        files=frozenset(files),
        machines=frozenset(site.relay_hosts),
    )


def machine_of(relay: str) -> str:
    """The machine in ADDRESS:PORT, or in an address without a port, without the brackets of IPv6."""
    return urlsplit(f"//{relay}").hostname or ""


def hooks_of(site: Site) -> tuple[IncomingWebhook, IncomingWebhook]:
    """The site's incoming webhooks: that for GitLab, that for Nextcloud."""
    return site.mattermost.gitlab_webhook, site.mattermost.nextcloud_webhook


def posts_as_bot(site: Site) -> bool:
    """Whether a bot posts the site's messages, and not the incoming webhooks."""
    return site.mattermost.posting == "bot"


def documents_have_buttons(site: Site) -> bool:
    """Whether people say by a button who takes a document; of further hosts that take presses in, none has them."""
    return site.mattermost.buttons and not site.relays.hosts


def channels_of(site: Site) -> list[str]:
    """All channels that something may be posted in."""
    routed = (channel for _, channel in site.gitlab.further_channels)
    own = (hook.channel for hook in hooks_of(site))
    return list(dict.fromkeys([*own, *routed, *(str(tree.channel) for tree in site.trees)]))


def set_aside(hook: IncomingWebhook) -> str:
    """What an incoming webhook is called while another one takes its place."""
    return f"{hook.display_name.encode()[:_LONGEST].decode(errors='ignore')} (replaced)"
