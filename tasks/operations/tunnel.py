"""HTTP through an SSH connection: the host resolves the name and opens the connection.

So an API that only the host can reach (on its loopback, or under a name that only the site knows)
needs nothing but the SSH connection that is there already, and TLS still ends at this machine.
"""

import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from paramiko import Channel, SSHException, Transport
from pyinfra import host as pyinfra_host
from pyinfra.api import Host
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from relays.base.tls import TlsAdapter
from tasks.operations.resource import ResourceError

# What ends a connection, also while it is being closed: the socket pair is, the channel, or SSH as a whole.
_ENDS = (OSError, EOFError, SSHException)


def host_transport(machine: Host | None = None) -> Transport:
    """The SSH connection to `machine`, without it to the host of the operation. ResourceError if there is none."""
    reached = pyinfra_host if machine is None else machine
    client = getattr(reached.connector, "client", None)
    transport: Transport | None = client.get_transport() if client else None
    if transport is None:
        raise ResourceError('the host is not reached by SSH; set host.api_access = "direct"')
    return transport


class TunnelAdapter(TlsAdapter):
    """For `requests.Session.mount`: connections of the session go through `transport`."""

    def __init__(self, transport: Transport, ca: Path | None):
        self._transport = transport
        super().__init__(ca)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Have every pool open its connections as SSH channels."""
        transport = self._transport

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return _connect(self, transport, self.host, self.port)

        class Tls(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return _connect(self, transport, self.host, self.port)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class TlsPool(HTTPSConnectionPool):
            ConnectionCls = Tls

        self.poolmanager = PoolManager(num_pools=4, maxsize=4)
        self._pools = {"http": PlainPool, "https": TlsPool}
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        """Have the connections to a proxy be SSH channels as well: it is the host that reaches it."""
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _connect(connection: HTTPConnection, transport: Transport, host: str, port: int | None) -> socket.socket:
    """One end of a socket pair; its other end is pumped to a new channel that leads to host:port."""
    target = (host, port or connection.default_port)
    try:
        channel = transport.open_channel("direct-tcpip", target, ("127.0.0.1", 0), timeout=15)
    except _ENDS as error:  # also ChannelException: refused, unknown name, forwarding forbidden
        raise NewConnectionError(
            connection, f"the host opens no connection to {target[0]}:{target[1]}"
        ) from error
    near, far = socket.socketpair()
    threading.Thread(target=_pump_out, args=(far, channel), daemon=True).start()
    threading.Thread(target=_pump_in, args=(channel, far), daemon=True).start()
    return near


def _pump_out(source: socket.socket, sink: Channel) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except _ENDS:
        pass  # the other direction has closed the pair
    finally:
        with suppress(*_ENDS):
            sink.close()


def _pump_in(source: Channel, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except _ENDS:
        pass
    finally:
        # To close it would not end the other thread's waiting, nor reach the other end.
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
        sink.close()
