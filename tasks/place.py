"""Where things are on the host, and how its applications are reached: what several steps share."""

from dataclasses import dataclass

from paramiko import Transport
from pyinfra import host
from pyinfra.api import FactBase
from pyinfra.facts.server import Home

from tasks.operations.api import Api
from tasks.operations.resource import ResourceError
from tasks.references import check_references
from tasks.site import Site

HOOK_TOKEN = "/etc/passerelle/gitlab-hook-token"  # noqa: S105 - where it lies, not what it is


class PrimaryAddress(FactBase[str]):
    """The address that the host uses towards others, which is also the one that its containers reach."""

    def command(self) -> str:
        # Nothing is sent: the kernel is asked for the route to an address reserved for documentation.
        return "ip -4 -o route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \\([0-9.]*\\).*/\\1/p'"


@dataclass(frozen=True)
class Place:
    """`infrastructure` is the absolute path of the Compose project, `relay` is ADDRESS:PORT for GitLab."""

    infrastructure: str
    relay: str
    mattermost: Api
    gitlab: Api

    @property
    def scripts(self) -> str:
        """The folder of the operator commands."""
        return f"{self.infrastructure}/scripts"

    @property
    def webhooks_conf(self) -> str:
        """The file with the addresses of the incoming webhooks."""
        return f"{self.scripts}/.webhooks.conf"


def find_place(site: Site) -> Place:
    """Ask the host for what the site leaves open. Nothing is changed yet.

    ResourceError if the host has no answer, if a server does not know us, or Mattermost not what a setting names.
    """
    infrastructure = site.host.infrastructure.rstrip("/")
    if infrastructure == "~" or infrastructure.startswith("~/"):
        infrastructure = f"{host.get_fact(Home, _sudo=False)}{infrastructure[1:]}"
    address = site.relays.address or host.get_fact(PrimaryAddress)
    if not address:
        raise ResourceError("the host has no route and so no address; set relays.address as GitLab sees it")
    transport = _transport if site.host.api_access == "ssh" else None
    place = Place(
        infrastructure=infrastructure,
        relay=f"{address}:{site.relays.port}",
        mattermost=Api(
            "mattermost",
            site.mattermost.url,
            site.mattermost.token,
            header="Authorization",
            scheme="Bearer ",
            transport=transport,
        ),
        gitlab=Api("gitlab", site.gitlab.url, site.gitlab.token, header="PRIVATE-TOKEN", transport=transport),
    )
    place.mattermost.call("GET", "/api/v4/users/me")
    place.gitlab.call("GET", "/api/v4/user")
    check_references(site, place.mattermost)
    return place


def _transport() -> Transport:
    client = getattr(host.connector, "client", None)
    transport: Transport | None = client.get_transport() if client else None
    if transport is None:
        raise ResourceError('the host is not reached by SSH; set host.api_access = "direct"')
    return transport
