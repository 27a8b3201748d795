"""The hosts, and how they are reached. The addresses are site data: see group_data/all.py."""

import socket
from typing import Any

from paramiko import Transport

from group_data.all import site


def _nodelay(sock: socket.socket, **options: Any) -> Transport:
    """paramiko leaves Nagle's algorithm on, which costs 40 ms for each command."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Transport(sock, **options)


def _ssh() -> dict[str, Any]:
    host = site.host
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


hosts = [(site.host.address, _ssh())]
