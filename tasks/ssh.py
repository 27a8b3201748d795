"""How a machine is reached by SSH: what the site says, else ~/.ssh/config, else root at port 22."""

import logging
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from paramiko import SSHConfig, Transport
from pyinfra import host as current
from pyinfra.api import Host
from pyinfra.connectors.sshuserclient.client import get_ssh_config

from tasks.site import SiteError
from tasks.site_machines import Machine

_DEFAULT_PORT = 22
_DEFAULT_USER = "root"

# Its threads say by tracebacks what the connection then raises as an error.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


def port_of(machine: Machine) -> int:
    """The port that SSH connects to."""
    return machine.ssh_port or int(_configured(machine.address)["port"])


def user_of(machine: Machine) -> str:
    """The user that SSH logs in as."""
    return machine.ssh_user or str(_configured(machine.address).get("user", _DEFAULT_USER))


def connection_data(machine: Machine) -> dict[str, Any]:
    """The machine as data of a host of pyinfra, which adds what else ~/.ssh/config says (ProxyJump, IdentityFile…)."""
    data: dict[str, Any] = {
        "ssh_hostname": machine.address,
        "ssh_port": port_of(machine),
        "ssh_user": user_of(machine),
        "ssh_paramiko_connect_kwargs": {"transport_factory": _nodelay},
    }
    if machine.ssh_key:
        data["ssh_key"] = str(machine.ssh_key)
    if machine.known_hosts:
        data["ssh_known_hosts_file"] = str(machine.known_hosts)
        data["ssh_strict_host_key_checking"] = "yes"
    else:
        data["ssh_strict_host_key_checking"] = _checking(machine.address)
        # Where a new key is noted down, which is nowhere on a machine that has never used SSH.
        with suppress(OSError):
            Path("~/.ssh").expanduser().mkdir(mode=0o700, exist_ok=True)
    if machine.sudo:
        data["_sudo"] = True
        data["machine"] = machine
    return data


def _checking(address: str) -> str:
    """Whether keys that are not known yet are taken, in pyinfra's words."""
    return {"yes": "yes", "no": "no", "off": "no"}.get(
        str(_configured(address).get("stricthostkeychecking")), "accept-new"
    )


@cache
def _configured(address: str) -> dict[str, Any]:
    """What ~/.ssh/config says of a machine, as pyinfra itself reads it."""
    try:
        config = get_ssh_config()
        found = dict(config.lookup(address)) if config else {}
        found["port"] = int(found.get("port", _DEFAULT_PORT))
        circle = bool(config) and _leads_in_a_circle(config, address)
    except Exception as error:  # whatever the parsers make of a file of any kind
        raise SiteError(f"~/.ssh/config cannot be used ({error}): correct it") from None
    if circle:
        raise SiteError(
            f"~/.ssh/config: ProxyJump leads from {address} in a circle; leave the jump host out with Host * !NAME"
        )
    return found


def _leads_in_a_circle(config: SSHConfig, address: str) -> bool:
    """Whether a jump host of the machine is to be reached through itself, which pyinfra would try for ever."""
    jumps = [address]
    for machine in jumps:  # it grows
        for jump in config.lookup(machine).get("proxyjump", "").split(","):
            name = jump.rpartition("@")[2].partition(":")[0]
            if name in jumps:
                return True
            if name and name != "none":
                jumps.append(name)
    return False


def _nodelay(sock: socket.socket, **options: Any) -> Transport:
    """paramiko leaves Nagle's algorithm on, which costs 40 ms for each command."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Transport(sock, **options)


def reach(machine: Machine) -> Host:
    """A connection to a machine that is not among the hosts of the run; ConnectError if there is none."""
    name = f"{machine.address}:{port_of(machine)}"
    state = current.state
    state.inventory.host_data[name] = connection_data(machine)
    host = Host(name, inventory=state.inventory, groups=[])
    host.init(state)
    host.connector.connect()
    host.connected = True
    return host
