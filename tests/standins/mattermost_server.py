"""A running Mattermost stand-in for the tests beside this file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.forking import Forked
from tests.waiting import wait_until

PASSWORD = "lab-only-Passw0rd"
SITE_URL = "http://chat.example.invalid"

_ADDRESS = re.compile(r"running on (http://127\.0\.0\.1:\d+)")


@dataclass
class MattermostServer:
    """The process and how to talk to it."""

    process: Forked
    url: str
    data: Path
    token: str = ""
    http: requests.Session = field(default_factory=requests.Session)

    def request(
        self, method: str, path: str, body: object = None, *, token: str | None = None, **options: Any
    ) -> requests.Response:
        """One request; ``body`` is sent as JSON, with the administrator's token unless asked otherwise."""
        token = self.token if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= options.pop("headers", {})
        if body is not None:
            options["json"] = body
        return self.http.request(method, self.url + path, headers=headers, timeout=20, **options)

    def api(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Any:
        """The JSON answer of a request to the API that must succeed."""
        answer = self.request(method, f"/api/v4{path}", body, token=token)
        assert answer.ok, answer.text
        return answer.json()

    def login(self, name: str) -> str:
        """A session's token."""
        credentials = {"login_id": name, "password": PASSWORD}
        answer = self.request("POST", "/api/v4/users/login", credentials, token="")
        assert answer.status_code == 200, answer.text
        return answer.headers["Token"]

    def add_user(self, name: str) -> str:
        """Create an account (the first becomes the administrator) and return its id."""
        account = {"username": name, "email": f"{name}@example.invalid", "password": PASSWORD}
        id: str = self.api("POST", "/users", account)["id"]
        return id

    def posts(self, channel_id: str, **query: int) -> list[dict[str, Any]]:
        """The newest posts of a channel, oldest first, without the announcements of the system."""
        text = "&".join(f"{key}={value}" for key, value in {"per_page": 200, **query}.items())
        page = self.api("GET", f"/channels/{channel_id}/posts?{text}")
        found = [page["posts"][id] for id in reversed(page["order"])]
        return [post for post in found if not post["type"].startswith("system_")]

    @contextmanager
    def database_down(self) -> Iterator[None]:
        """Answers as while the database does not, for the time of a block."""
        mark = self.data / "database-down"
        mark.touch()
        try:
            yield
        finally:
            mark.unlink()

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self.process.kill()
        self.process.wait(20)


@contextmanager
def running(data: Path, *options: str, **environment: str) -> Iterator[MattermostServer]:
    """Start the stand-in on a port the OS picks and stop it in the end."""
    arguments = ["--port", "0", "--data", str(data), *options]
    log = data / "log"
    log.write_text("")
    process = Forked("lab.standins.mattermost", *arguments, output=log, env=os.environ | environment)
    try:

        def address() -> re.Match[str] | None:
            assert process.poll() is None, f"the stand-in did not start:\n{log.read_text()}"
            return _ADDRESS.search(log.read_text())

        found = wait_until("the stand-in listens", address, every=0.02)
        assert found is not None
        yield MattermostServer(process, found[1], data)
    finally:
        process.kill()
        process.wait(20)


@dataclass
class Site:
    """A server with an administrator, a team and a channel with a hook."""

    server: MattermostServer
    team_id: str
    channel_id: str
    hook_id: str

    def send(self, payload: object, hook_id: str | None = None) -> requests.Response:
        """POST a payload to the hook, without any session."""
        return self.server.request("POST", f"/hooks/{hook_id or self.hook_id}", payload, token="")


def furnished(server: MattermostServer) -> Site:
    """Make the administrator, the team ``taaf`` and its channel with a hook."""
    server.add_user("admin")
    server.token = server.login("admin")
    wanted = {"name": "taaf", "display_name": "TAAF", "type": "O"}
    team_id = server.api("POST", "/teams", wanted)["id"]
    wanted = {"team_id": team_id, "name": "dev-notifications", "display_name": "Dev", "type": "O"}
    channel_id = server.api("POST", "/channels", wanted)["id"]
    hook = server.api("POST", "/hooks/incoming", {"channel_id": channel_id, "display_name": "GitLab"})
    return Site(server, team_id, channel_id, hook["id"])
