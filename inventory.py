"""The sites, their hosts, and how these are reached. What a site is made of is in tasks/site.py."""

import sys
from typing import Any

import pyinfra

from group_data.all import TAAF
from tasks.failure_isolation import summarise_failures
from tasks.lookups import spare_lookups
from tasks.settings import load
from tasks.site import Site, SiteError
from tasks.ssh import connection_data

# pyinfra switches it off, and what it alone imports, which is most of the deploy, would be compiled in every run.
sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)


def _hosts(name: str, site: Site) -> list[tuple[str, dict[str, Any]]]:
    """The hosts of a site, as pyinfra takes them: its own, which bears the site's name, and its relay hosts."""
    return [
        (name, {"site": site, **connection_data(site.host)}),
        *(
            (f"{name}/{each.address}", {"site": site, "site_host": name, **connection_data(each)})
            for each in site.relay_hosts
        ),
    ]


try:
    sites = load(TAAF)
    hosts = [entry for name, site in sites.items() for entry in _hosts(name, site)]
except SiteError as error:
    if not pyinfra.is_cli:
        raise
    # pyinfra would put a place in our code before it, which says nothing to whoever wrote the settings.
    print(error, file=sys.stderr)
    sys.exit(1)
# A group for each site, so that --limit NAME takes its relay hosts along.
globals().update(
    {name: [host for host, data in hosts if data["site"] is site] for name, site in sites.items()}
)
summarise_failures()
spare_lookups()
