"""Fixtures for tests on a live site: the host and the data are those of the deploy, from one inventory.

The site is read when a test asks for it, so that tests without one need no settings.
"""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api import StringCommand
from testinfra.backend.base import CommandResult
from testinfra.backend.ssh import SshBackend
from testinfra.host import Host

from tasks.operations.compose import ComposeContainers, read, running
from tasks.operations.remote import answer, framed
from tasks.operations.resource import ResourceError
from tasks.root import ASKS, MISSING, askpass, making_askpass
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


class Backend(SshBackend):  # type: ignore[misc]
    """Commands whose output is what they print, whatever a login prints before; sudo may want a password."""

    askpass = ""

    def hand_over(self, password: str) -> None:
        """Have sudo find the password in a file on the host, until `take_back`."""
        making = f"sh -c {shlex.quote(framed(making_askpass('/tmp')).get_raw_value())}"
        command, words = self._build_ssh_command(making)
        done = subprocess.run(
            ["sh", "-c", self.quote(" ".join(command), *words)],
            input=askpass(password).encode(),
            capture_output=True,
            check=False,
        )
        self.askpass = answer(done.stdout.decode(errors="replace")).strip()

    def take_back(self) -> None:
        """Remove that file."""
        if self.askpass:
            super().run_ssh(f"rm -f {shlex.quote(self.askpass)}")

    def get_sudo_command(self, command: str, sudo_user: str | None) -> str:
        """With the file, if there is one."""
        asking = super().get_sudo_command(command, sudo_user)
        if not self.askpass:
            return str(asking)
        return f"env SUDO_ASKPASS={shlex.quote(self.askpass)} {str(asking).replace('sudo ', 'sudo -A ', 1)}"

    def run_ssh(self, command: str) -> CommandResult:
        """Run it; what it printed, its exit code, and all that was complained of."""
        reported = super().run_ssh(f"sh -c {shlex.quote(framed(command).get_raw_value())}")
        try:
            printed = answer(reported.stdout_bytes.decode(errors="replace"))
        except ResourceError:  # sudo, for one, has refused to run it
            return reported
        return self.result(reported.rc, reported.command, printed.encode(), reported.stderr_bytes)


@pytest.fixture(scope="session")
def host(ssh: tuple[str, dict[str, Any]]) -> Iterator[Host]:
    """The host, over the same SSH as the deploy, with the same privileges."""
    data = ssh[1]
    extra = (
        f"-o UserKnownHostsFile={data['ssh_known_hosts_file']}" if "ssh_known_hosts_file" in data else None
    )
    backend = Backend(
        f"{data['ssh_user']}@{data['ssh_hostname']}:{data['ssh_port']}",
        sudo=data.get("_sudo", False),
        ssh_identity_file=data.get("ssh_key"),
        ssh_extra_args=extra,
    )
    host = Host(backend)
    backend.set_host(host)
    machine = data.get("machine")
    if machine and machine.sudo_password:
        backend.hand_over(machine.sudo_password.get_secret_value())
    try:
        host.check_output("true")
    except (AssertionError, RuntimeError) as error:
        if any(words in str(error) for words in ASKS):
            pytest.exit(MISSING, returncode=2)
        said = re.search(r"ssh: ([^'\\]+)", str(error))  # testinfra says its whole command as well
        pytest.exit(
            f"host.address {data['ssh_hostname']} is not reached by SSH: {said[1] if said else 'see ssh -v'}",
            returncode=2,
        )
    yield host
    backend.take_back()


@pytest.fixture(scope="session")
def infrastructure(host: Host, site: Site) -> str:
    """The folder of the Compose project on the host."""
    path = site.host.infrastructure
    return path.replace("~", host.run("getent passwd %s", user_of(site.host)).stdout.split(":")[5], 1)


@pytest.fixture(scope="session")
def in_nextcloud(host: Host, infrastructure: str, site: Site) -> str:
    """What a command is to be begun with to run in Nextcloud's container, which is found as the deploy finds it."""
    if not site.nextcloud.service:
        pytest.skip("Nextcloud is not on the host")
    asked = ComposeContainers()
    command = asked.command(infrastructure)
    assert isinstance(command, StringCommand)
    # Not by the host itself, which notes what it is asked as evidence.
    reported = host.backend.run(command.get_raw_value())
    found = read(asked.process(reported.stdout.splitlines()), infrastructure)
    service, project = site.nextcloud.service, site.host.compose_project
    return f"docker exec {running(found, infrastructure, service, 'nextcloud', project).id}"


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
