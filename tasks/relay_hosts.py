"""Further hosts that run a GitLab relay beside that of the site's own host, all with one spool.

They have nothing of their own: what GitLab proves itself with and where Mattermost takes messages is made on the
site's host and handed to them, so in a deploy the hosts of such a site wait for each other (`meet`).
"""

from collections.abc import Callable
from functools import partial

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from tasks.context import APP_PASSWORD, HOOK_TOKEN, SIGNING_TOKEN, gitlab_api, gitlab_signs, locate, site_host
from tasks.machines import mark, refuse_second_site
from tasks.operations import unit
from tasks.operations.absent import nothing_but
from tasks.operations.python_app import accepted
from tasks.operations.remote import run_quietly
from tasks.operations.resource import Commands, resource, step
from tasks.operations.text_file import text_files
from tasks.relay_settings import gitlab_settings
from tasks.relays import (
    GITLAB_UNITS,
    MOUNT_POINTS,
    TRIAL,
    bot_token,
    command_token,
    gitlab_relay,
    nothing_further,
    preflight,
    relays_package,
    trusted,
)
from tasks.site import Site

WEBHOOKS_CONF = "/etc/passerelle/webhooks.conf"


def is_relay_host() -> bool:
    """Whether this host only runs a GitLab relay of its site."""
    return site_host().name != host.name


@step("Relay hosts")
def meet(site: Site) -> None:
    """What the hosts of the site do after this begins when what they do before it is done."""
    # pyinfra keeps the order of each host's own operations, and finishes one on all hosts that have it.
    if site.relays.hosts:
        _nothing(name="The hosts of the site meet")


@resource
def _nothing() -> Commands:
    yield from ()


@step("Relay hosts")
def install_relay_host(site: Site) -> None:
    """The package, what the site's host hands over, and the GitLab relay; nothing else of the site."""
    refuse_second_site()
    preflight(site)
    infrastructure, relay = locate(site)
    signs = gitlab_signs(gitlab_api(site, site.gitlab.token))
    settings = gitlab_settings(site, signs=signs, relay=relay)
    handed = {
        WEBHOOKS_CONF: of_site_host("grep ^GITLAB_WEBHOOK_URL=", f"{infrastructure}/scripts/.webhooks.conf"),
        HOOK_TOKEN: of_site_host("cat", HOOK_TOKEN),
        SIGNING_TOKEN: of_site_host("cat", SIGNING_TOKEN),
    }
    handed |= {path: of_site_host("cat", path) for path in (*bot_token(site), *command_token(site))}
    relays_package()
    # Of a host that was a site's own before.
    unit.no_other_units("passerelle-", GITLAB_UNITS, name="No other units")
    nothing_but(
        ["/etc/passerelle/nextcloud.toml", APP_PASSWORD, *MOUNT_POINTS],
        (),
        name="Nothing of a Nextcloud relay",
    )
    text_files(
        {"/etc/passerelle/gitlab.toml": partial(str, settings)} | trusted(site) | mark(),
        trial=TRIAL,
        name="Settings of the gitlab relay",
    )
    text_files(handed, "600", name="Secrets handed over by the site's host")
    # One host after the other, so that there are always some that answer at once.
    gitlab_relay(site, settings, WEBHOOKS_CONF, _serial=True)
    nothing_further(site)
    accepted("passerelle", name="New release of the relays")


def of_site_host(command: str, path: str) -> Callable[[], str | None]:
    """A function that answers what `command` prints of a file of the site's host, None while it is not there."""

    def read() -> str | None:
        ok, output = run_quietly(StringCommand(command, QuoteString(path), "2>/dev/null"), on=site_host())
        return f"{output.strip()}\n" if ok else None

    return read
