"""The connections of an API that is called now and then: servers close those that lie idle."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from tasks.operations.api import Api, ApiError


class Impatient:
    """A server that ends a connection, without a word, when a second request comes over it."""

    def __init__(self) -> None:
        self.answered: list[str] = []
        self.deaf = False
        impatient = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            used = False

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.used or impatient.deaf:
                    self.close_connection = True
                    return
                self.used = True
                impatient.answered.append(self.command)
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def server() -> Iterator[Impatient]:
    server = Impatient()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def api(server: Impatient) -> Api:
    url = f"http://127.0.0.1:{server.server.server_port}"
    return Api("mattermost", url, SecretStr("token"), header="Authorization")


def test_a_connection_that_the_server_has_ended_is_no_error(server: Impatient, api: Api) -> None:
    calls = ["GET", "GET", "PUT", "POST", "GET", "POST", "POST", "DELETE", "GET"]
    for method in calls:
        assert api.call(method, "/", {}) == {}
    assert server.answered == calls


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_a_server_that_never_answers_is_one(server: Impatient, api: Api, method: str) -> None:
    server.deaf = True
    with pytest.raises(ApiError, match="mattermost: no answer from http"):
        api.call(method, "/")
