"""The sites, their hosts, and how these are reached. What a site is made of is in tasks/site.py."""

from typing import Any

from group_data.all import TAAF
from tasks.alone import summarise_failures
from tasks.settings import load
from tasks.site import Site
from tasks.ssh import ssh_data


def _hosts(name: str, site: Site) -> list[tuple[str, dict[str, Any]]]:
    """The hosts of a site, as pyinfra takes them: its own, which bears the site's name, and its relay hosts."""
    return [
        (name, {"site": site, **ssh_data(site.host)}),
        *(
            (f"{name}/{each.address}", {"site": site, "site_host": name, **ssh_data(each)})
            for each in site.relay_hosts
        ),
    ]


sites = load(TAAF)
hosts = [entry for name, site in sites.items() for entry in _hosts(name, site)]
# A group for each site, so that --limit NAME takes its relay hosts along.
globals().update(
    {name: [host for host, data in hosts if data["site"] is site] for name, site in sites.items()}
)
summarise_failures()
