"""Connections that can be cut off while somebody waits for an answer.

The time limits of a socket are for each read, so who sends a byte now and then is never too slow for them, and a thread
that waits for such an answer would wait for ever.
"""

import socket
from contextlib import suppress
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from relays.base.tls import TlsAdapter


class Adapter(TlsAdapter):
    """Makes the connections of a session that one thread uses, one after the other."""

    _latest: socket.socket | None = None

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """As of requests, with connections that are held on to."""
        hold = self._hold_on_to

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return hold(super()._new_conn())

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return hold(super()._new_conn())

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        super().init_poolmanager(*arguments, **options)
        self._pools = {"http": PlainPool, "https": SecurePool}
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        """As of requests, with connections to the proxy that are held on to."""
        manager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def cut(self) -> None:
        """End the connection in use, from any thread: who waits at it gets an error."""
        if self._latest is not None:
            with suppress(OSError):
                self._latest.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close all connections."""
        super().close()
        self._let_go()

    def _hold_on_to(self, opened: socket.socket) -> socket.socket:
        self._let_go()
        # Another one for the same connection: libraries let go of theirs when TLS begins, and before an answer is read.
        self._latest = opened.dup()
        return opened

    def _let_go(self) -> None:
        if self._latest is not None:
            self._latest.close()
            self._latest = None
