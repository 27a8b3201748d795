"""How machines are reached by SSH, as pyinfra takes it."""

import socket
from typing import Any

from paramiko import Transport
from pyinfra import host as current
from pyinfra.api import Host

from tasks.site import Machine


def _nodelay(sock: socket.socket, **options: Any) -> Transport:
    """paramiko leaves Nagle's algorithm on, which costs 40 ms for each command."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Transport(sock, **options)


def ssh_data(machine: Machine) -> dict[str, Any]:
    """The data of a host of the inventory."""
    data: dict[str, Any] = {
        "ssh_hostname": machine.address,
        "ssh_port": machine.ssh_port,
        "ssh_user": machine.ssh_user,
        "ssh_paramiko_connect_kwargs": {"transport_factory": _nodelay},
    }
    if machine.ssh_key:
        data["ssh_key"] = str(machine.ssh_key.expanduser())
    if machine.known_hosts:
        data["ssh_known_hosts_file"] = str(machine.known_hosts.expanduser())
        data["ssh_strict_host_key_checking"] = "yes"
    if machine.sudo:
        data["_sudo"] = True
    return data


def reach(machine: Machine) -> Host:
    """A connection to a machine that is not among the hosts of the run; ConnectError if there is none."""
    name = f"{machine.address}:{machine.ssh_port}"
    state = current.state
    state.inventory.host_data[name] = ssh_data(machine)
    host = Host(name, inventory=state.inventory, groups=[])
    host.init(state)
    host.connector.connect()
    host.connected = True
    return host
