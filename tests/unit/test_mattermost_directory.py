"""Who is who, asked of a Mattermost: whatever it answers is a user, nobody, or no answer."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from relays.mattermost.bot_session import Bot
from relays.mattermost.directory import Directory, Member, NoAnswerError

LEO = {"id": "x", "username": "leo", "email": "leo@taaf.internal", "delete_at": 0}


@contextmanager
def answering(status: int, body: object, healthy: bool = True) -> Iterator[tuple[Directory, list[str]]]:
    """A server that says this of every user, and whoever asks it; what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            assert self.headers["Authorization"] == "Bearer secret"
            ping = "/ping" in self.path
            self.send_response((200 if healthy else 500) if ping else status)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(
                b"{}" if ping else body if isinstance(body, bytes) else json.dumps(body).encode()
            )

        def log_message(self, *arguments: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Directory(Bot(f"http://127.0.0.1:{server.server_port}", "taaf", "secret", "dev")), asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (200, LEO, Member("leo", "leo@taaf.internal")),
        (200, {**LEO, "email": ""}, Member("leo", "")),
        (200, {**LEO, "is_bot": True}, None),
        (200, {**LEO, "delete_at": 1}, None),
        (404, {"id": "app.user.missing_account.const"}, None),
        (403, {"id": "api.context.permissions.app_error"}, None),
        (400, {"id": "api.context.invalid_url_param.app_error"}, None),
    ],
)
def test_what_mattermost_says_of_somebody(status: int, body: object, found: Member | None) -> None:
    with answering(status, body) as (directory, asked):
        assert directory.by_name("leo") == found
        assert directory.by_email("leo@taaf.internal") == found
    assert [path for path in asked if "ping" not in path] == [
        "/api/v4/users/username/leo",
        "/api/v4/users/email/leo%40taaf.internal",
    ]


@pytest.mark.parametrize(
    ("status", "body", "healthy"),
    [
        (500, {}, True),
        (401, {}, True),
        (429, {}, True),
        (302, {}, True),
        (200, b"<html>", True),
        (200, [], True),
        # With its database down it knows nobody.
        (404, {"id": "app.user.missing_account.const"}, False),
    ],
)
def test_what_is_no_answer(status: int, body: object, healthy: bool) -> None:
    with answering(status, body, healthy) as (directory, asked):
        with pytest.raises(NoAnswerError):
            directory.by_name("leo")
        known = len(asked)
        with pytest.raises(NoAnswerError):
            directory.by_name("leo")
    assert len(asked) == known  # it is left in peace for a while


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(NoAnswerError):
        Directory(Bot("http://127.0.0.1:9", "taaf", "secret", "dev")).by_name("leo")


def test_a_name_is_one_part_of_an_address() -> None:
    with answering(404, {}) as (directory, asked):
        directory.by_name("../../x?y")
    assert asked[0] == "/api/v4/users/username/..%2F..%2Fx%3Fy"
