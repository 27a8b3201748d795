"""Fixtures for tests on a live site: the host and the data are those of the deploy, from one inventory.

The site is read when a test asks for it, so that tests without one need no settings.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import testinfra
from testinfra.host import Host

from tasks.settings import pick
from tasks.site import Site, SiteError
from tasks.ssh import user_of
from tests.acceptance.people import Chat, Cloud, Forge, Tunnel, through_ssh


@pytest.fixture(scope="session")
def ssh(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """The host's name and data, as the deploy has them; of several sites that of the option --site."""
    try:
        from inventory import hosts, sites

        wanted = pick(sites, request.config.getoption("site"))
    except SiteError as error:
        pytest.exit(f"the site cannot be read: {error}", returncode=2)
    return next(entry for entry in hosts if entry[0] == wanted)


@pytest.fixture(scope="session")
def site(ssh: tuple[str, dict[str, Any]]) -> Site:
    """The site data of the deploy."""
    site: Site = ssh[1]["site"]
    return site


@pytest.fixture(scope="session")
def host(ssh: tuple[str, dict[str, Any]]) -> Host:
    """The host, over the same SSH as the deploy, with the same privileges."""
    data = ssh[1]
    extra = (
        f"-o UserKnownHostsFile={data['ssh_known_hosts_file']}" if "ssh_known_hosts_file" in data else None
    )
    host = testinfra.get_host(
        f"ssh://{data['ssh_user']}@{data['ssh_hostname']}:{data['ssh_port']}",
        sudo=data.get("_sudo", False),
        ssh_identity_file=data.get("ssh_key"),
        ssh_extra_args=extra,
    )
    try:
        host.check_output("true")
    except (AssertionError, RuntimeError) as error:
        said = re.search(r"ssh: ([^'\\]+)", str(error))  # testinfra tells its whole command as well
        pytest.exit(
            f"host.address {data['ssh_hostname']} is not reached by SSH: {said[1] if said else 'see ssh -v'}",
            returncode=2,
        )
    return host


@pytest.fixture(scope="session")
def infrastructure(host: Host, site: Site) -> str:
    """The folder of the Compose project on the host."""
    path = site.host.infrastructure
    return path.replace("~", host.run("getent passwd %s", user_of(site.host)).stdout.split(":")[5], 1)


@pytest.fixture(scope="session")
def tunnel(ssh: tuple[str, dict[str, Any]]) -> Iterator[Tunnel]:
    """The SSH connection that the deploy's calls go through."""
    with through_ssh(ssh[1]) as tunnel:
        yield tunnel


@pytest.fixture(scope="session")
def proxy(site: Site, request: pytest.FixtureRequest) -> str | None:
    """The way to the site's names, as the deploy goes it."""
    if site.host.api_access == "direct":
        return None
    tunnel: Tunnel = request.getfixturevalue("tunnel")
    return tunnel.address


@pytest.fixture(scope="session")
def chat(site: Site, proxy: str | None) -> Chat:
    return Chat(site, proxy)


@pytest.fixture(scope="session")
def forge(site: Site, proxy: str | None) -> Forge:
    return Forge(site, proxy)


@pytest.fixture(scope="session")
def cloud(site: Site, proxy: str | None) -> Cloud:
    return Cloud(site, proxy)


@pytest.fixture
def copy(forge: Forge, tmp_path: Path) -> Path:
    """A fresh clone of the project."""
    return forge.clone(tmp_path)
