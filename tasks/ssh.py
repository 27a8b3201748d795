"""How a machine is reached by SSH: what the site says, else ~/.ssh/config, else root at port 22."""

import socket
from functools import cache
from pathlib import Path
from typing import Any

from paramiko import SSHConfig, SSHException, Transport
from pyinfra.api.exceptions import PyinfraError

from tasks.site import Machine

_DEFAULT_PORT = 22
_DEFAULT_USER = "root"


class SshConfigError(PyinfraError):
    """~/.ssh/config cannot be used, in one line."""


def port_of(machine: Machine) -> int:
    """The port that SSH connects to."""
    return machine.ssh_port or int(_configured(machine.address).get("port", _DEFAULT_PORT))


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
    if machine.sudo:
        data["_sudo"] = True
        data["sudo_password"] = machine.sudo_password
    return data


@cache
def _configured(address: str) -> dict[str, Any]:
    path = Path("~/.ssh/config").expanduser()
    if not path.is_file():
        return {}
    try:
        return dict(SSHConfig.from_path(str(path)).lookup(address))
    except (OSError, UnicodeError) as error:
        raise SshConfigError(f"{path} cannot be read ({type(error).__name__}): correct it") from None
    except SSHException as error:
        raise SshConfigError(f"{path}: {error}: correct it") from None


def _nodelay(sock: socket.socket, **options: Any) -> Transport:
    """paramiko leaves Nagle's algorithm on, which costs 40 ms for each command."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Transport(sock, **options)
