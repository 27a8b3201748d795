"""What earlier deploys have left on the host: a record, and marks by which what they made is found without one.

An earlier release kept no record, and a record can be lost. Then the units say the port and the folder of the
addresses; the addresses lead to their webhooks; bots have a token of this site; hooks bear our name, and an address of
ours or the fingerprint of our secrets. Looking for these is a question for each project that the token sees, so it is
asked until there is a record again, and not in every run.
"""

import posixpath
from dataclasses import dataclass
from urllib.parse import urlsplit

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from tasks.commands import command_files
from tasks.context import HOOK_NAME, SPOOL, DeployContext
from tasks.gitlab import fingerprint
from tasks.made import Made, described
from tasks.operations.api import Api, ApiError
from tasks.operations.gitlab import project_at
from tasks.operations.hooks import bears_mark
from tasks.operations.mattermost_bot import bots_of_site
from tasks.operations.remote import run_quietly
from tasks.operations.slash_commands import find_commands
from tasks.operations.webhooks import HOOKS
from tasks.site import Site

RECORD = "/var/lib/passerelle/made.json"

_UNITS = "/etc/systemd/system/passerelle-gitlab"
_PROJECTS = "/api/v4/projects?simple=true&order_by=id&sort=asc"
_GONE = "app.webhooks.get_incoming.app_error"


@dataclass(frozen=True)
class Marks:
    """What lies on the host, empty where nothing does: the text of the record, and what the units name.

    `conf` is the file with the webhooks' addresses, `port` that of the GitLab relay, `spool` whether it was given an
    address of a shared one; `in_use` are the numbers of the webhooks whose addresses are saved, each a secret.
    """

    record: str
    conf: str
    port: str
    spool: bool
    in_use: frozenset[str]


def look_for_marks(context: DeployContext) -> Marks:
    """Ask the host, in one go. Not a fact, which would print the secrets."""
    _, output = run_quietly(
        StringCommand(
            f"conf=$(sed -n 's/^LoadCredential=webhooks.conf://p' {_UNITS}.service 2>/dev/null | sed 's/%%/%/g');",
            f"port=$(sed -n 's/^ListenStream=//p' {_UNITS}.socket 2>/dev/null);",
            'printf \'conf=%s\\nport=%s\\n\' "$conf" "$port"; for f in "$conf"',
            QuoteString(context.webhooks_conf),
            "; do sed -n 's|.*/hooks/\\([a-z0-9]\\{26\\}\\).*|id=\\1|p' \"$f\" 2>/dev/null; done;",
            f"test -e {SPOOL} && echo spool=yes;",
            f"echo record; cat {RECORD} 2>/dev/null || true",
        )
    )
    head, _, record = output.partition("record\n")
    lines = [line.partition("=") for line in head.splitlines()]
    values = {name: value for name, _, value in lines}
    ids = frozenset(value for name, _, value in lines if name == "id")
    return Marks(record, values.get("conf", ""), values.get("port", ""), "spool" in values, ids)


def made_by_marks(site: Site, context: DeployContext, marks: Marks) -> Made:
    """What deploys that left no record have made for this host; nothing if there was none."""
    if not marks.conf and not marks.port:
        return Made()
    address = "" if context.relay_url else context.relay.rpartition(":")[0]
    addresses = {context.relay, *([f"{address}:{marks.port}"] if marks.port and address else [])}
    projects, led_to = _hooked(context, addresses)
    scripts = posixpath.dirname(marks.conf or context.webhooks_conf)
    return Made(
        gitlab=site.gitlab.url,
        mattermost=site.mattermost.url,
        projects=projects,
        addresses=frozenset(addresses | led_to),
        webhooks=_webhooks(site, context.mattermost, marks.in_use),
        commands=_commands(site, context.mattermost, addresses | led_to),
        bots=frozenset(str(bot["username"]) for bot in bots_of_site(context.mattermost, host.name)),
        files=frozenset(command_files(scripts)),
    )


def _hooked(context: DeployContext, addresses: set[str]) -> tuple[frozenset[str], set[str]]:
    """The projects with a hook that bears our mark, and the addresses that these lead to."""
    api = context.gitlab
    # Of somebody else's GitLab it would be shown all that is public.
    own = "" if context.administers else "&membership=true"
    projects = [each["path_with_namespace"] for each in api.pages(f"{_PROJECTS}{own}")]
    host.log(f"    no record of earlier deploys: looking for their hooks in {len(projects)} projects")
    secrets = fingerprint()
    found, led_to = set(), set()
    for project in projects:
        try:
            hooks = api.pages(f"{project_at(project)}/hooks")
        except ApiError as error:
            if error.status in (403, 404):  # gone meanwhile, or not ours to look at
                continue
            raise
        for hook in hooks:
            if bears_mark(hook, HOOK_NAME, addresses, secrets):
                found.add(project)
                led_to.add(urlsplit(hook["url"]).netloc)
    return frozenset(found), led_to


def _webhooks(site: Site, api: Api, in_use: frozenset[str]) -> frozenset[tuple[str, str]]:
    """Teams and names of these webhooks."""
    found = set()
    for identity in in_use:
        try:
            hook = api.call("GET", f"{HOOKS}/{identity}", absent=(_GONE,))
        except ApiError as error:
            if error.status != 501:
                raise
            return described(
                site
            ).webhooks  # hidden, so it is taken that they have the names that they should have
        if hook is not None:
            team = api.call("GET", f"/api/v4/teams/{hook['team_id']}")
            found.add((str(team["name"]), str(hook["display_name"])))
    return frozenset(found)


def _commands(site: Site, api: Api, addresses: set[str]) -> frozenset[tuple[str, str]]:
    """Teams and words of the slash commands that lead to one of these addresses."""
    team = site.mattermost.team
    found = find_commands(api, team)
    if found is None:
        return described(site).commands  # hidden, so it is taken that they are as they should be
    return frozenset(
        (team, str(each["trigger"])) for each in found if urlsplit(str(each["url"])).netloc in addresses
    )
