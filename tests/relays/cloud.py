"""A Nextcloud for the relay: the stand-in, and a front before it that can be slow, wrong or away."""

import time
from collections.abc import Callable

import requests

from tests.relays.loopback import Handler, Loopback
from tests.relays.sink import Reply
from tests.standins.nextcloud_site import Site

_LOCAL = {"host", "connection", "content-length", "transfer-encoding", "server", "date"}


class Front:
    """Passes requests on to `site`, on a loopback port that stays the same over `stop` and `start`.

    `behave` may answer a request (its method and path) instead; `delay` is how long each one takes at least.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self.behave: Callable[[str, str], Reply | None] = lambda method, path: None
        self.delay = 0.0
        self.asked: list[str] = []
        front = self

        class Answers(Handler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                reply = front.reply_to(self.command, self.path, dict(self.headers), body)
                if reply.drop or reply.raw or reply.pieces:
                    self.wfile.write(reply.raw)
                    for piece in reply.pieces:
                        self.wfile.write(piece)
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.status not in (204, 304):
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            do_GET = do_PROPFIND = _any

        self._server = Loopback(Answers)

    @property
    def url(self) -> str:
        """The address of the Nextcloud."""
        return self._server.url

    def start(self) -> None:
        """Listen."""
        self._server.start()

    def stop(self) -> None:
        """Go away: connections are refused."""
        self._server.stop()

    def reply_to(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Answer as the test wants it, or as the stand-in does."""
        self.asked.append(f"{method} {path}")
        time.sleep(self.delay)
        if not self._server.listens:
            # A connection that was kept alive ends with the server.
            return Reply(drop=True)
        reply = self.behave(method, path)
        if reply is not None:
            return reply
        passed = {name: value for name, value in headers.items() if name.lower() not in _LOCAL}
        answer = requests.request(
            method,
            self._site.url + path,
            headers=passed | {"Accept-Encoding": "identity"},
            data=body,
            timeout=20,
            allow_redirects=False,
        )
        given = {name: value for name, value in answer.headers.items() if name.lower() not in _LOCAL}
        return Reply(answer.status_code, answer.content, given)
