"""The sites, their hosts, and how these are reached. What a site is made of is in tasks/site.py."""

import socket
from typing import Any

from paramiko import Transport

from group_data.all import TAAF
from tasks.alone import summarise_failures
from tasks.settings import load
from tasks.site import Machine, Site


def _nodelay(sock: socket.socket, **options: Any) -> Transport:
    """paramiko leaves Nagle's algorithm on, which costs 40 ms for each command."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Transport(sock, **options)


def _ssh(host: Machine) -> dict[str, Any]:
    data: dict[str, Any] = {
        "ssh_hostname": host.address,
        "ssh_port": host.ssh_port,
        "ssh_user": host.ssh_user,
        "ssh_paramiko_connect_kwargs": {"transport_factory": _nodelay},
    }
    if host.ssh_key:
        data["ssh_key"] = str(host.ssh_key.expanduser())
    if host.known_hosts:
        data["ssh_known_hosts_file"] = str(host.known_hosts.expanduser())
        data["ssh_strict_host_key_checking"] = "yes"
    if host.sudo:
        data["_sudo"] = True
    return data


def _hosts(name: str, site: Site) -> list[tuple[str, dict[str, Any]]]:
    """The hosts of a site, as pyinfra takes them: its own, which bears the site's name, and its relay hosts."""
    return [
        (name, {"site": site, **_ssh(site.host)}),
        *(
            (f"{name}/{each.address}", {"site": site, "site_host": name, **_ssh(each)})
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
