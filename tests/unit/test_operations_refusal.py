"""What servers answer that are not what the settings say they are: one line with the setting and the remedy."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from paramiko import ChannelException, SSHException
from pydantic import SecretStr

from tasks.operations.api import Api
from tasks.operations.gitlab import require_scope
from tasks.operations.resource import ResourceError
from tasks.references import check_account
from tests.standins import gitlab_site, nextcloud_site

SECRET = "s3cret-token"
HOOK = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def page(status: int, text: str = "<html>") -> Answer:
    return Answer(status, text.encode(), {"Content-Type": "text/html"})


def api_error(status: int, **body: Any) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


ANSWERS: dict[str, tuple[Answer, str]] = {
    "another page": (page(200), "what answers at URL is not Mattermost; correct mattermost.url"),
    "another path": (
        page(404),
        "there is no Mattermost at URL (GET /api/v4/users/me: 404); correct mattermost.url",
    ),
    "GitLab, where there is nothing": (
        api_error(404, message="404 Not Found"),
        "there is no Mattermost at URL (GET /api/v4/users/me: 404); correct mattermost.url",
    ),
    "GitLab, which knows no such token": (
        api_error(401, message="401 Unauthorized"),
        "what answers at URL is not Mattermost; correct mattermost.url",
    ),
    "a proxy that asks for a password": (
        page(401),
        "what answers at URL is not Mattermost; correct mattermost.url",
    ),
    "a proxy without it": (page(502), "HTTP 502"),
    "a redirection": (
        Answer(302, b"", {"Location": f"https://sso.example.org/?state={SECRET}"}),
        "redirects to https://sso.example.org/; set mattermost.url to the address that answers itself",
    ),
    "a wrong token": (api_error(401, id="x", message="y"), "refuses the token (401); check mattermost.token"),
    "not an administrator": (api_error(403, id="x"), "mattermost.token must be an administrator's"),
    "a scope that is too small": (
        api_error(403, error="insufficient_scope"),
        "the token has not the scope for it (403); check mattermost.token",
    ),
    "a message with a secret id": (
        api_error(400, message=f"no hook {HOOK}"),
        f"HTTP 400: no hook {HOOK[:4]}•••",
    ),
    "a message without end": (api_error(400, message="x" * 9000), "HTTP 400: xxx"),
}


@pytest.fixture
def server() -> Iterator[tuple[str, list[Answer]]]:
    """Its address, and what it answers."""
    answers: list[Answer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers[0].status)
            for name, value in {**answers[0].headers, "Content-Length": str(len(answers[0].body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answers[0].body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}", answers
    running.shutdown()
    running.server_close()


def reported(api: Api, ask: Callable[[Api], object]) -> str:
    with pytest.raises(ResourceError) as caught:
        ask(api)
    line = str(caught.value)
    assert line.startswith((f"{api.section}: ", f"{api.section}.")), line
    assert len(line.splitlines()) == 1
    assert len(line) < 500
    for secret in (SECRET, HOOK):
        assert secret not in line
    return line


def me(api: Api) -> object:
    return api.call("GET", "/api/v4/users/me")


def chat(url: str, **options: Any) -> Api:
    return Api("mattermost", url, SecretStr(SECRET), header="Authorization", scheme="Bearer ", **options)


@pytest.mark.parametrize("case", ANSWERS)
def test_answers_of_others_are_reported(server: tuple[str, list[Answer]], case: str) -> None:
    url, answers = server
    answer, expected = ANSWERS[case]
    answers.append(answer)
    assert expected.replace("URL", url) in reported(chat(url), me)


class Broken:
    """An SSH connection that opens no channel."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def open_channel(self, *_: object, **__: object) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ChannelException(1, "Administratively prohibited"), 'or set host.api_access = "direct"'),
        (
            ChannelException(2, "Connect failed"),
            "unknown name, or nothing listens there); check mattermost.url",
        ),
        (SSHException("SSH session not active"), "the SSH connection has ended); run again"),
        (SSHException("Timeout opening channel."), "the SSH connection has ended); run again"),
    ],
)
def test_a_way_through_ssh_that_is_closed_is_reported(error: Exception, expected: str) -> None:
    transport: Any = Broken(error)
    assert expected in reported(chat("http://chat.example.org", transport=lambda: transport), me)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_named(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, f"http://user:{SECRET}@127.0.0.1:9")
    line = reported(chat("http://chat.example.org"), me)
    assert "the proxy does not lead there); correct HTTP_PROXY, HTTPS_PROXY or NO_PROXY" in line


@pytest.mark.parametrize("url", ["http://nowhere.invalid", "http://127.0.0.1:9", f"http://{'a' * 64}.org"])
def test_a_server_that_is_not_there_is_reported(url: str) -> None:
    line = reported(chat(url), me)
    assert f"mattermost: no answer from {url} (" in line
    assert line.endswith("; check mattermost.url and that the server runs")


@pytest.mark.parametrize("end", ["\r", "\n", "\r\nX-Other: 1", "\u2026"])
def test_a_token_that_no_header_can_hold_is_not_shown(server: tuple[str, list[Answer]], end: str) -> None:
    """The settings refuse it; other deploys may hand over any."""
    api = Api("mattermost", server[0], SecretStr(f"{SECRET}{end}"), header="Authorization", scheme="Bearer ")
    assert "mattermost: no answer from" in reported(api, me)


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gitlab_site.Site]:
    with gitlab_site.running(tmp_path_factory.mktemp("forge")) as site:
        yield site


@pytest.mark.parametrize(
    ("token", "setting", "enough", "expected"),
    [
        (gitlab_site.TOKEN, "token", ["api"], None),
        (gitlab_site.TOKEN, "read_token", ["read_api", "api"], None),
        (gitlab_site.READ_TOKEN, "read_token", ["read_api", "api"], None),
        (
            gitlab_site.READ_TOKEN,
            "token",
            ["api"],
            "gitlab.token has the scope read_api and needs api: make a token",
        ),
        (
            gitlab_site.READ_TOKEN,
            "write_token",
            ["api"],
            "gitlab.write_token has the scope read_api and needs api: make a token",
        ),
        ("glpat-wrong", "read_token", ["read_api"], "refuses the token (401); check gitlab.read_token"),
    ],
)
def test_a_token_of_another_scope_is_named(
    forge: gitlab_site.Site, token: str, setting: str, enough: list[str], expected: str | None
) -> None:
    api = Api("gitlab", forge.url, SecretStr(token), header="PRIVATE-TOKEN", setting=setting)
    if expected is None:
        require_scope(api, *enough)
    else:
        assert expected in reported(api, lambda api: require_scope(api, *enough))


@pytest.fixture(scope="module")
def cloud() -> Iterator[nextcloud_site.Site]:
    with nextcloud_site.running() as site:
        yield site


@pytest.mark.parametrize(
    ("user", "password", "expected"),
    [
        (nextcloud_site.ADMIN, None, None),
        (nextcloud_site.ADMIN, "wrong", "refuses the password (401); check nextcloud.relay_password"),
        ("nobody", "wrong", "refuses the password (401); check nextcloud.relay_password"),
    ],
)
def test_an_account_that_nextcloud_does_not_let_in_is_named(
    cloud: nextcloud_site.Site, user: str, password: str | None, expected: str | None
) -> None:
    secret = f"{user}:{password or nextcloud_site.PASSWORD}"
    basic = SecretStr(base64.b64encode(secret.encode()).decode())
    options: dict[str, Any] = {"header": "Authorization", "scheme": "Basic ", "setting": "relay_password"}
    api = Api("nextcloud", cloud.url, basic, **options)
    if expected is None:
        check_account(api, user)
    else:
        assert expected in reported(api, lambda api: check_account(api, user))


def test_a_page_that_is_no_nextcloud_is_named(server: tuple[str, list[Answer]]) -> None:
    url, answers = server
    answers.append(api_error(200, version="OK"))
    api = Api(
        "nextcloud", url, SecretStr("x"), header="Authorization", scheme="Basic ", setting="relay_password"
    )
    line = reported(api, lambda api: check_account(api, "admin"))
    assert line == f"nextcloud: what answers at {url} is not Nextcloud; correct nextcloud.url"
