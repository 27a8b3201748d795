"""APIs over TLS, directly and through SSH: who is trusted, and every fault reported as what it is, with its remedy."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr

from relays.base.tls import FAULTS
from tasks.operations.api import Api, ApiError
from tests import tls

Ask = Callable[[str, Path | None], Any]


class Channel:
    """A channel as far as the tunnel knows one."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._socket = socket.create_connection(target)
        self.recv, self.sendall = self._socket.recv, self._socket.sendall

    def close(self) -> None:
        """At once, for who receives as well."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Straight:
    """An SSH connection whose channels lead where they are reported."""

    def open_channel(self, kind: str, target: tuple[str, int], *_: object, timeout: float) -> Channel:
        return Channel(target)


@pytest.fixture(params=["directly", "through SSH"])
def ask(request: pytest.FixtureRequest) -> Ask:
    def call(url: str, ca: Path | None) -> Any:
        transport: Any = Straight if request.param == "through SSH" else None
        api = Api(
            "gitlab", url, SecretStr("glpat-secret"), header="PRIVATE-TOKEN", transport=transport, ca=ca
        )
        return api.call("GET", "/api/v4/version")

    return call


class Backend:
    """A server behind the front, and what it is shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                backend.shown.append((self.command, self.headers.get("PRIVATE-TOKEN", "")))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(b"{}")

            do_GET = do_HEAD = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def backend() -> Iterator[Backend]:
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture
def front(backend: Backend) -> Iterator[tls.Front]:
    front = tls.Front(backend.port)
    yield front
    front.close()


def line(url: str, code: str) -> str:
    """What is reported, up to what differs."""
    fault = FAULTS[code]
    what, _, rest = fault.what.partition("{detail}")
    return f"gitlab: {url}: {what}" + ("" if rest else f"; {fault.remedy.format(setting='gitlab.url')}")


@pytest.mark.parametrize("way", tls.TRUSTED)
def test_who_is_named_is_trusted(ask: Ask, front: tls.Front, tmp_path: Path, way: str) -> None:
    identity, pem = tls.TRUSTED[way]
    front.wear(identity)
    assert ask(front.url, tls.write(tmp_path, pem)) == {}


@pytest.mark.parametrize("fault", tls.FAULTS)
def test_a_fault_is_reported_as_what_it_is(ask: Ask, front: tls.Front, tmp_path: Path, fault: str) -> None:
    arrange, code = tls.FAULTS[fault]
    arrange(front)
    with pytest.raises(ApiError) as caught:
        ask(front.url, tls.write(tmp_path))
    reported = str(caught.value)
    assert reported.startswith(line(front.url, code)), reported
    assert reported.endswith(FAULTS[code].remedy.format(setting="gitlab.url"))
    assert caught.value.fault
    assert caught.value.fault.code == code
    assert "forward" not in reported
    assert "glpat" not in reported


@pytest.mark.parametrize("server", [*tls.PLAIN_REFUSALS, "silence"])
def test_plain_http_where_tls_is_spoken_is_reported(
    ask: Ask, front: tls.Front, backend: Backend, server: str
) -> None:
    """By what the server answers; from one that only closes, by asking once more over TLS, without the token."""
    if server != "silence":
        tls.PLAIN_REFUSALS[server](front)
    url = front.url.replace("https", "http")
    with pytest.raises(ApiError) as caught:
        ask(url, None)
    assert str(caught.value) == line(url, "https")
    assert not backend.shown


def test_the_question_over_tls_shows_no_token(front: tls.Front, backend: Backend, tmp_path: Path) -> None:
    ca, url = tls.write(tmp_path), front.url.replace("https", "http")
    api = Api("gitlab", url, SecretStr("glpat-secret"), header="PRIVATE-TOKEN", ca=ca)
    with pytest.raises(ApiError, match="it speaks TLS"):
        api.call("GET", "/")
    assert backend.shown == [("HEAD", "")]


def test_whom_the_machine_trusts_is_trusted(
    front: tls.Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Ask
) -> None:
    """Beside those of the file, which is another one."""
    of_machine = tmp_path / "machine.pem"
    of_machine.write_text(tls.ROOT.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(of_machine))
    assert ask(front.url, tls.write(tmp_path, tls.SELF_SIGNED.pem)) == {}
