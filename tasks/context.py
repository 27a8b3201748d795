"""Where things are on the host, and how its applications are reached: what several steps share."""

import ipaddress
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from pydantic import SecretStr
from pyinfra import host, inventory
from pyinfra.api import Host

from relays.sources.gitlab.commands.settings import ACTION_PATH, COMMAND_PATH
from tasks.addresses import in_url
from tasks.machines import refuse_second_site
from tasks.members import Members, find_members
from tasks.operations.api import Api
from tasks.operations.compose import Container, containers
from tasks.operations.gitlab import SETTINGS, administers, require_project, require_scope, signs
from tasks.operations.nextcloud import account_api
from tasks.operations.remote import HostFact
from tasks.operations.resource import ResourceError
from tasks.operations.text_file import Owner
from tasks.operations.tunnel import host_transport
from tasks.references import check_account, check_notified, check_references
from tasks.site import Site

HOOK_NAME = "Passerelle"
# In the folder of the operator commands.
WEBHOOKS_CONF = ".webhooks.conf"
# Where they lie, not what they are; the relay is handed files of these names.
HOOK_TOKEN = "/etc/passerelle/gitlab-hook-token"  # noqa: S105
SIGNING_TOKEN = "/etc/passerelle/gitlab-signing-token"  # noqa: S105
READ_TOKEN = "/etc/passerelle/gitlab-read-token"  # noqa: S105
WRITE_TOKEN = "/etc/passerelle/gitlab-write-token"  # noqa: S105
SPOOL = "/etc/passerelle/spool"
BOT_TOKEN = "/etc/passerelle/mattermost-bot-token"  # noqa: S105
COMMAND_TOKEN = "/etc/passerelle/mattermost-command-token"  # noqa: S105
CA = "/etc/passerelle/ca.pem"
# In the runtime directory of the Nextcloud relay.
DOCUMENTS_SOCKET = "/run/passerelle-nextcloud/documents.sock"
APP_PASSWORD = "/etc/passerelle/nextcloud-app-password"  # noqa: S105


class PrimaryAddress(HostFact[str]):
    """The address that the host uses towards others, which is also the one that its containers reach."""

    def command(self) -> str:
        # Nothing is sent: the kernel is asked for the route to an address reserved for documentation, of IPv4 or else
        # of IPv6.
        ways = (("AF_INET", "192.0.2.1"), ("AF_INET6", "2001:db8::1"))
        return " || ".join(
            [
                *(
                    f'python3 -c "import socket; s = socket.socket(socket.{family}, socket.SOCK_DGRAM); '
                    f"s.connect(('{to}', 9)); print(s.getsockname()[0])\" 2>/dev/null"
                    for family, to in ways
                ),
                "true",
            ]
        )


class HomeFolder(HostFact[str]):
    """The home of the user who asks."""

    def command(self) -> str:
        return 'printf %s "$HOME"'


@dataclass(frozen=True)
class DeployContext:
    """`infrastructure` is the absolute path of the Compose project, `relay` is ADDRESS:PORT for GitLab.

    `gitlab_signs`: GitLab signs what it sends. `members` is what the patterns of the site find there. `relay_url` is
    where GitLab reaches the relay if not at `relay`; `administers`: the token may set GitLab's allow-list.
    """

    infrastructure: str
    relay: str
    mattermost: Api
    gitlab: Api
    gitlab_signs: bool
    members: Members = field(default_factory=Members)
    relay_url: str | None = None
    administers: bool = True

    @property
    def hook_url(self) -> str:
        """Where GitLab sends events."""
        return hook_url(self.relay_url, self.relay)

    @cached_property
    def owner(self) -> tuple[str, str]:
        """User and group of the Compose project's folder, whose what lies in it is to be as well."""
        return host.get_fact(Owner, path=self.infrastructure) or ("root", "root")

    @cached_property
    def containers(self) -> list[Container]:
        """All that Compose has made on the host, as a run that is prepared finds them; DockerError as `containers`."""
        return containers(self.infrastructure)

    @property
    def scripts(self) -> str:
        """The folder of the operator commands."""
        return f"{self.infrastructure}/scripts"

    @property
    def webhooks_conf(self) -> str:
        """The file with the addresses of the incoming webhooks."""
        return f"{self.scripts}/{WEBHOOKS_CONF}"


def find_context(site: Site) -> DeployContext:
    """Ask the host and the servers for what the site leaves open. Nothing is changed yet.

    ResourceError if one of them has no answer, or does not know what a setting names.
    """
    refuse_second_site()
    folder, relay = locate(site)
    mattermost, gitlab = mattermost_api(site), gitlab_api(site, site.gitlab.token)
    mattermost.refuse_outage()
    _ = mattermost.me  # the token is known
    require_scope(gitlab, "api")
    if site.gitlab.read_token:
        require_scope(gitlab_api(site, site.gitlab.read_token, "read_token"), "read_api", "api")
    if site.gitlab.write_token:
        require_scope(gitlab_api(site, site.gitlab.write_token, "write_token"), "api")
    if site.nextcloud.relay_password:
        check_account(nextcloud_api(site, site.nextcloud.relay_password), site.nextcloud.admin)
    signed, administered = gitlab_signs(gitlab), may_administer(site, gitlab, relay)
    check_references(site, mattermost)
    check_notified(site, gitlab)
    return DeployContext(
        infrastructure=folder,
        relay=relay,
        mattermost=mattermost,
        gitlab=gitlab,
        gitlab_signs=signed,
        members=find_members(site, gitlab),
        relay_url=site.relays.url,
        administers=administered,
    )


def hook_url(url: str | None, relay: str) -> str:
    """Where GitLab sends events: to the relay at that URL, or else at that ADDRESS:PORT."""
    return f"{url or f'http://{relay}'}/webhook/gitlab"


def command_url(url: str | None, relay: str) -> str:
    """Where Mattermost sends slash commands, by the same way."""
    return f"{url or f'http://{relay}'}{COMMAND_PATH}"


def action_url(url: str | None, relay: str) -> str:
    """Where Mattermost sends presses of buttons, by the same way."""
    return f"{url or f'http://{relay}'}{ACTION_PATH}"


def may_administer(site: Site, gitlab: Api, relay: str) -> bool:
    """Whether the deploy may set GitLab's allow-list, which only that of a GitLab elsewhere can do without.

    ResourceError if GitLab cannot reach the relay without, or a project is not there, which it could not make either.
    """
    if not site.gitlab.service and not administers(gitlab):
        if not site.relays.given and not _is_public(relay):
            raise ResourceError(
                f"relays.url is missing: {relay} is an address of the host's own network, and gitlab.token is no "
                f"administrator's, so {site.gitlab.url} sends nothing there; set relays.url to an address at which it "
                "reaches the relay, such as https://hooks.example.org, or relays.address if an administrator has "
                "allowed that one"
            )
        for path in site.projects:
            require_project(gitlab, path)
        return False
    gitlab.call("GET", SETTINGS)  # or why not
    return True


def _is_public(relay: str) -> bool:
    address = relay.rpartition(":")[0].removeprefix("[").removesuffix("]")
    return ipaddress.ip_address(address).is_global


def gitlab_signs(gitlab: Api) -> bool:
    """Whether this GitLab signs what it sends."""
    return signs(gitlab.call("GET", "/api/v4/version")["version"])


def site_host() -> Host:
    """The host of the site's applications: this one, or the one that hands this one what it needs."""
    named = host.data.get("site_host")
    if not named:
        return host
    found: Host = inventory.get_host(named)
    if not found.connected:
        raise ResourceError(
            f"{named}, which hands this host what it needs, is not connected; mend that first"
        )
    return found


def locate(site: Site) -> tuple[str, str]:
    """The absolute path of the Compose project, and the relay's ADDRESS:PORT for GitLab, as the host says."""
    if site.relays.given:
        return infrastructure(site), site.relays.given
    address = site_host().get_fact(PrimaryAddress)
    if not address:
        raise ResourceError("the host has no route and so no address; set relays.address as GitLab sees it")
    return infrastructure(site), f"{in_url(address)}:{site.relays.port}"


def infrastructure(site: Site) -> str:
    """The absolute path of the Compose project, as the host says."""
    path = site.host.infrastructure.rstrip("/")
    if path == "~" or path.startswith("~/"):
        return f"{_home(site_host())}{path[1:]}"
    return path


@cache
def _home(machine: Host) -> str:
    return str(machine.get_fact(HomeFolder, _sudo=False))


def mattermost_api(site: Site, token: SecretStr | None = None) -> Api:
    """Mattermost's API with the site's token, or with this one."""
    return Api(
        "mattermost",
        site.mattermost.url,
        token or site.mattermost.token,
        header="Authorization",
        scheme="Bearer ",
        proxy=site.mattermost.proxy,
        **_way(site),
    )


def gitlab_api(site: Site, token: SecretStr, setting: str = "token") -> Api:
    """GitLab's API with that token, which stands in that setting."""
    return Api(
        "gitlab",
        site.gitlab.url,
        token,
        header="PRIVATE-TOKEN",
        setting=setting,
        proxy=site.gitlab.proxy,
        **_way(site),
    )


def nextcloud_api(site: Site, password: SecretStr) -> Api:
    """Nextcloud with the relay's app password for the admin."""
    return account_api(
        site.nextcloud.url, site.nextcloud.admin, password, proxy=site.nextcloud.proxy, **_way(site)
    )


def _way(site: Site) -> dict[str, Any]:
    """What is the same for all servers of the site: how they are reached, and whom they are trusted by."""
    tunnel = (lambda: host_transport(site_host())) if site.host.api_access == "ssh" else None
    return {"transport": tunnel, "ca": site.host.ca, "near": site.host.address}
