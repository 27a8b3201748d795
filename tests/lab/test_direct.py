"""A host whose sshd forwards nothing: its applications are called directly from the machine that deploys."""

from collections.abc import Iterator

import pytest

from tasks.site import Site
from tests.acceptance.people import Chat, Cloud, Forge
from tests.lab.doctor import doctor
from tests.lab.other_sites import Shell, address, arrives, nothing_differs
from tests.lab.runs import deploy, pyinfra

SSHD = "/etc/ssh/sshd_config.d/lab.conf"


@pytest.fixture
def urls(machine: Shell) -> Iterator[dict[str, str]]:
    """Addresses that this machine and the host reach alike; no new connection to the host forwards meanwhile."""
    try:
        machine(f"echo 'AllowTcpForwarding no' > {SSHD}; systemctl reload ssh")
        yield {
            name: f"http://{address(machine, f'taaf-infrastructure-{name}-1')}"
            for name in ("mattermost", "gitlab", "nextcloud")
        }
    finally:
        machine(f"rm -f {SSHD}; systemctl reload ssh")
        deploy()


@pytest.mark.exhaustive
def test_a_host_that_forwards_nothing(urls: dict[str, str], site: Site) -> None:
    for refused in (pyinfra("-y"), pyinfra("--dry")):
        assert (refused.code, refused.changed) == (1, 0)
        assert 'set host.api_access = "direct"' in refused.output
        assert "Traceback" not in refused.output
    assert doctor().first == "ssh.forwarding"

    settings = {"host__api_access": "direct", **{f"{name}__url": url for name, url in urls.items()}}
    deploy(**settings)
    parts = {name: getattr(site, name).model_copy(update={"url": url}) for name, url in urls.items()}
    there = site.model_copy(update=parts)
    arrives(Chat(there, None), Forge(there, None), Cloud(there, None), site)
    nothing_differs(**settings)
