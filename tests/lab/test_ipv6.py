"""A host of IPv6 alone, and applications that listen to nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from docker.types import IPAMConfig, IPAMPool

from lab import stack, state
from tasks.site import Site
from tests.acceptance.people import Chat, Cloud, Forge, Tunnel, through_ssh
from tests.lab.other_sites import Shell, arrives, deployed, nothing_differs, started_with

NETWORK, SUBNET = "passerelle-lab-six", "fd00:5e:6::/64"
OVERRIDE = f"""\
services:
  gitlab:
    command: >-
      python -m lab.standins.gitlab --host '::' --port 80 --data /var/opt/gitlab
      --external-url http://git.taaf.internal
  nextcloud:
    command: >-
      setpriv --reuid=33 --regid=33 --clear-groups
      python -m lab.standins.nextcloud --host '::' --port 80 --root /var/www/html
  mattermost:
    command: python -m lab.standins.mattermost --host '::' --port 80 --data /mattermost/data
  portal:
    command: python -m http.server --bind '::' --directory /opt/lab/lab/portal 80
networks:
  default: {{name: {NETWORK}}}
"""


@pytest.fixture
def address(engine_client: DockerClient, machine: Shell, lab: state.Lab, tunnel: Tunnel) -> Iterator[str]:
    """The address of the host, which has no other one but on its loopback; the applications are its neighbours."""
    network = engine_client.networks.create(
        NETWORK,
        enable_ipv6=True,
        ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=SUBNET)]),
        labels={stack.LABEL: lab.id},
    )
    host = stack.host_container(engine_client)
    try:
        with started_with(machine, OVERRIDE):
            network.connect(host)
            # To be given back before Docker, which knows of nothing, takes the network away.
            before = machine(
                "ip -4 -o addr show scope global | awk '{print $4, $2}'; ip -4 route show default"
            )
            try:
                machine("for each in /sys/class/net/eth*; do ip -4 addr flush dev ${each##*/}; done")
                assert machine("ip -4 route") == ""
                # They look for IPv6 as they start (urllib3), and the host had none, not even on its loopback.
                machine("systemctl restart passerelle-gitlab.service passerelle-nextcloud.service")
                found = machine("ip -6 -o addr show scope global").split()
                yield found[found.index("inet6") + 1].partition("/")[0]
            finally:
                give_back(machine, before)
                network.disconnect(host)
                tunnel.open()  # that of the other tests leads to an address that was gone
    finally:
        network.remove()


def give_back(machine: Shell, before: str) -> None:
    """Give the host the addresses of IPv4 that it had."""
    for line in before.splitlines():
        if line.startswith("default"):  # the last one
            machine(f"ip -4 route replace {line}")
        else:
            prefix, interface = line.split()
            machine(f"ip -4 addr replace {prefix} brd + dev {interface}")


@pytest.fixture
def known_hosts(machine: Shell, address: str, tmp_path: Path) -> Path:
    """The key of the host under that address."""
    key = machine("cat /etc/ssh/ssh_host_ed25519_key.pub").split()[:2]
    file = tmp_path / "known_hosts"
    file.write_text(f"{address} {' '.join(key)}\n")
    return file


@pytest.mark.exhaustive
def test_a_host_of_ipv6_alone(
    address: str, known_hosts: Path, ssh: tuple[str, dict[str, Any]], site: Site, machine: Shell
) -> None:
    settings = {"host__address": address, "host__ssh_port": "22", "host__known_hosts": str(known_hosts)}
    deployed(**settings)
    way = {
        **ssh[1],
        "ssh_hostname": address,
        "ssh_port": 22,
        "ssh_known_hosts_file": str(known_hosts),
    }
    with through_ssh(way) as tunnel:
        people = Chat(site, tunnel.address), Forge(site, tunnel.address), Cloud(site, tunnel.address)
        arrives(*people, site)
        (hook,) = people[1].hooks()
        assert hook["url"] == f"http://[{address}]:8090/webhook/gitlab"
        allowed = people[1].api("GET", "application/settings")["outbound_local_requests_whitelist"]
        assert f"[{address}]:8090" in allowed
        nothing_differs(**settings)
    machine("/root/taaf-infrastructure/scripts/status.sh")
