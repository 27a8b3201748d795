"""HTTP through an SSH connection that breaks under load: calls fail as calls do, and no thread falls over it."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

import paramiko
import pytest
import requests
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from urllib3.connection import HTTPConnection

from tasks.operations.tunnel import TunnelAdapter, _connect
from tests.waiting import wait_until

BODY = b"x" * 2_000_000


class _Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """The connections break off; that is what the test is about."""


class _Forwarding(paramiko.ServerInterface):
    """An sshd that lets everybody in and forwards."""

    def __init__(self) -> None:
        self.wanted: dict[int, tuple[str, int]] = {}

    def get_allowed_auths(self, username: str) -> str:
        return "none"

    def check_auth_none(self, username: str) -> int:
        return int(AUTH_SUCCESSFUL)

    def check_channel_direct_tcpip_request(
        self, chanid: int, origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        self.wanted[chanid] = destination
        return int(OPEN_SUCCEEDED)


def _serve(end: socket.socket) -> paramiko.Transport:
    """The server's side of an SSH connection."""
    policy = _Forwarding()
    server = paramiko.Transport(end)
    server.add_server_key(paramiko.ECDSAKey.generate())
    server.start_server(threading.Event(), policy)  # an event, or it would wait for the client

    def accept() -> None:
        while server.is_active():
            channel = server.accept(0.2)
            if channel is not None:
                threading.Thread(
                    target=_forward, args=(channel, policy.wanted[channel.get_id()]), daemon=True
                ).start()

    threading.Thread(target=accept, daemon=True).start()
    return server


def _forward(channel: paramiko.Channel, destination: tuple[str, int]) -> None:
    with socket.create_connection(destination) as target:

        def back() -> None:
            try:
                while data := target.recv(65536):
                    channel.sendall(data)
            except (OSError, EOFError, paramiko.SSHException):
                pass

        threading.Thread(target=back, daemon=True).start()
        try:
            while data := channel.recv(65536):
                target.sendall(data)
        except (OSError, EOFError, paramiko.SSHException):
            pass


@pytest.fixture
def page() -> Iterator[str]:
    server = _Quiet(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def ends() -> Iterator[tuple[paramiko.Transport, paramiko.Transport, socket.socket]]:
    """Both ends of an SSH connection, and the client's socket."""
    near, far = socket.socketpair()
    server = _serve(far)
    client = paramiko.Transport(near)
    client.start_client()
    client.auth_none("root")
    yield client, server, near
    client.close()
    server.close()


@pytest.mark.parametrize("breaking", ["closed here", "closed there", "cut"])
def test_calls_fail_as_calls_do_when_the_connection_breaks(
    breaking: str, page: str, ends: tuple[paramiko.Transport, paramiko.Transport, socket.socket]
) -> None:
    """pytest makes a failure of whatever a thread leaves unhandled."""
    client, server, near = ends
    fine = threading.Event()
    broken: list[str] = []

    def call() -> None:
        session = requests.Session()
        session.trust_env = False
        session.mount("http://", TunnelAdapter(client, None))
        while len(broken) < 8:
            try:
                assert session.get(page, timeout=20).content == BODY
                fine.set()
            except requests.RequestException as error:
                broken.append(type(error).__name__)

    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(call) for _ in range(8)]
        wait_until("calls", lambda: fine.is_set() or any(each.done() for each in calls))
        if breaking == "cut":
            near.shutdown(socket.SHUT_RDWR)
        else:
            (client if breaking == "closed here" else server).close()
        for each in calls:
            each.result(60)
    assert fine.is_set()
    assert len(broken) >= 8
    wait_until("the threads end", lambda: not [t for t in threading.enumerate() if "_pump" in t.name])


class _Ending:
    """A channel of a connection that ends at the worst moment: while something is received, sent or closed."""

    def __init__(self, moment: str, error: Exception) -> None:
        self._moment, self._error = moment, error

    def _end(self, moment: str) -> None:
        if moment == self._moment:
            raise self._error

    def recv(self, _: int) -> bytes:
        self._end("recv")
        return b""

    def sendall(self, _: bytes) -> None:
        self._end("sendall")

    def close(self) -> None:
        self._end("close")


@pytest.mark.parametrize(
    "error", [EOFError(), OSError("Socket is closed"), paramiko.SSHException("no session")]
)
@pytest.mark.parametrize("moment", ["recv", "sendall", "close"])
def test_an_end_at_any_moment_leaves_nothing_unhandled(moment: str, error: Exception) -> None:
    """paramiko says the end of a connection by three kinds of errors."""

    class Transport:
        def open_channel(self, *_: object, **__: object) -> _Ending:
            return _Ending(moment, error)

    near = _connect(HTTPConnection("x"), cast("paramiko.Transport", Transport()), "x", 80)
    with suppress(OSError):  # the other end may be over by now
        near.sendall(b"GET / HTTP/1.1\r\n\r\n")
        near.shutdown(socket.SHUT_WR)
        near.settimeout(20)
        assert near.recv(1) == b""
    near.close()
    wait_until("the threads end", lambda: not [t for t in threading.enumerate() if "_pump" in t.name])
