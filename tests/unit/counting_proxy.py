"""An HTTP proxy that counts who was asked for, and servers that count who asked them."""

import json
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import requests


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Who asked may be gone."""


@dataclass
class Counted:
    """A server on the loopback, and the names that it was asked for, as clients wrote them."""

    port: int
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler], asked: list[str]) -> Iterator[Counted]:
    server = _Quiet(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield Counted(server.server_port, asked)
    server.shutdown()
    server.server_close()


@contextmanager
def everything() -> Iterator[Counted]:
    """A server that answers as an application does, whichever it is taken for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(self.headers["Host"].partition(":")[0])
            body = b"ok" if "/hooks/" in self.path else json.dumps({"id": "x", "version": "19.1"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PROPFIND = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    with _serving(Handler, asked) as served:
        yield served


@contextmanager
def proxy(behind: int) -> Iterator[Counted]:
    """A proxy that leads whatever it is asked for to that port of the loopback; it alone knows names outside."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def lead(self) -> None:
            parts = urlsplit(self.path)
            asked.append(parts.hostname or "?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            session = requests.Session()
            session.trust_env = False
            answer = session.request(
                self.command,
                f"http://127.0.0.1:{behind}{parts.path}",
                data=body,
                headers={"Host": parts.netloc},
                timeout=20,
            )
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_PROPFIND = lead

        def do_CONNECT(self) -> None:
            asked.append(self.path.partition(":")[0])
            with socket.create_connection(("127.0.0.1", behind)) as there:
                self.send_response(200)
                self.end_headers()
                pair = {self.connection: there, there: self.connection}
                while ready := select.select(list(pair), [], [], 20)[0]:
                    for each in ready:
                        data = each.recv(65536)
                        if not data:
                            return
                        pair[each].sendall(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with _serving(Handler, asked) as served:
        yield served
