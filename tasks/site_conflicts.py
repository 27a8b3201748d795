"""Sites that would take something from each other: found before any of them is touched."""

import re
from collections.abc import Iterator, Mapping
from itertools import permutations, product

from relays.sources.gitlab.project_list import covers
from tasks.addresses import canonical
from tasks.site import Site
from tasks.ssh import port_of

_ADDRESS = re.compile(r"\w+://([^@/?#]*@)?(?P<servers>[\w.,:\[\]-]+)(?P<name>/[\w.-]+)(\?.*)?")
_LOOPBACK = re.compile(r"localhost\b|127\.|\[::1\]")


def rivalries(sites: Mapping[str, Site]) -> Iterator[str]:
    """A line for each thing that two of the sites claim and cannot share: both sites, the thing, the remedy."""
    yield from _overlaps(sites)
    owners: dict[tuple[str, ...], str] = {}
    wishes: dict[tuple[str, ...], tuple[str, object]] = {}
    for name, site in sites.items():
        for claim, remedy in _claims(site):
            other = owners.get(claim)
            if other == name:
                yield f"the site {name} names {' '.join(claim)} twice: {remedy}"
            elif other:
                yield f"sites.{other} and sites.{name} both have {' '.join(claim)}: {remedy}"
            owners.setdefault(claim, name)
        for thing, value in _wishes(site):
            other, wanted = wishes.setdefault(thing, (name, value))
            if wanted != value and other == name:
                yield f"the site {name} describes {' '.join(thing)} twice ({wanted!r}, {value!r}): describe it alike"
            elif wanted != value:
                yield (
                    f"sites.{other} and sites.{name} share {' '.join(thing)} and describe it differently "
                    f"({wanted!r}, {value!r}): describe it alike"
                )


def _overlaps(sites: Mapping[str, Site]) -> Iterator[str]:
    """A line for each pattern that finds what another site of the same GitLab lists."""
    for (name, site), (other, second) in permutations(sites.items(), 2):
        if site.gitlab.url.lower() != second.gitlab.url.lower():
            continue
        listed, theirs = site.project_list, second.project_list
        for wide, narrow in product(listed.patterns, (*theirs.paths, *theirs.patterns)):
            # Of two that are alike the first site is named first.
            twice = covers(narrow, wide) and list(sites).index(name) > list(sites).index(other)
            if not covers(wide, narrow) or twice or any(covers(each, narrow) for each in listed.left_out):
                continue
            yield (
                f"sites.{name} has the projects {wide} of {site.gitlab.url} and sites.{other} has {narrow}: each "
                "deploy would lead their hooks to another relay; leave them out of the first one with the entry "
                f"!{narrow} in its gitlab.projects"
            )


def _claims(site: Site) -> Iterator[tuple[tuple[str, ...], str]]:
    """What only one site can have, and what to do if two want it."""
    host, forge, chat = site.host, site.gitlab.url.lower(), site.mattermost
    # The relays, their units and their files lie at fixed places.
    for machine in (host, *site.relay_hosts):
        yield (
            ("the host", f"{canonical(machine.address)}, port {port_of(machine)}"),
            "a host holds one site; correct host.address or host.ssh_port of one, or relays.hosts, or make them one "
            "site with gitlab.projects and nextcloud.trees",
        )
    for project in site.projects:
        yield (
            ("the project", project.lower(), "of", forge),
            "each deploy would lead its hook to another relay; take it out of gitlab.project or gitlab.projects of one",
        )
    for section, hook in (("gitlab", chat.gitlab_webhook), ("nextcloud", chat.nextcloud_webhook)):
        yield (
            (
                "the incoming webhook",
                repr(hook.display_name),
                "in the team",
                chat.team,
                "of",
                chat.url.lower(),
            ),
            "a rotation or a teardown of one would take the other's away; give it another name: "
            f"mattermost.{section}_webhook.display_name",
        )
    for word in chat.commands:
        yield (
            ("the slash command", f"/{word}", "in the team", chat.team, "of", chat.url.lower()),
            "each deploy would lead it to another relay; take it out of mattermost.commands of one, or choose another "
            "word",
        )
    if site.relays.spool and (database := _database(site.relays.spool.get_secret_value())):
        yield (
            ("the database of the spool", database),
            "the relays of one would deliver for the other; name another database in relays.spool of one",
        )
    if site.relays.url or site.relays.address:
        address = canonical(site.relays.address or "")
        yield (
            ("the relay's address", site.relays.url or f"{address}:{site.relays.port}", "for", forge),
            "GitLab would send the events of both to one of them; correct relays.address, relays.port or relays.url of "
            "one",
        )


def _database(address: str) -> str:
    """The servers and the database in an address, nothing secret; empty if they are the relay's own host's."""
    found = _ADDRESS.fullmatch(address)
    return "" if found is None or _LOOPBACK.match(found["servers"]) else found["servers"] + found["name"]


def _wishes(site: Site) -> Iterator[tuple[tuple[str, ...], object]]:
    """What sites may share as long as they want the same of it."""
    chat = site.mattermost
    team = (chat.team, "of", chat.url.lower())
    yield ("the team", *team), chat.team_display_name
    if chat.posting == "bot":
        yield (
            ("the bot", chat.bot.username, "of", chat.url.lower()),
            (chat.bot.display_name, chat.bot.description),
        )
    for hook in (chat.gitlab_webhook, chat.nextcloud_webhook):
        yield (
            ("the channel", hook.channel, "in the team", *team),
            (hook.channel_display_name, hook.channel_purpose),
        )
