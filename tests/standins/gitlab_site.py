"""A running GitLab stand-in and a receiver for its webhooks, for the tests beside this file."""

import itertools
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from tests.forking import Forked
from tests.waiting import wait_until

PASSWORD, TOKEN = "lab-only-password", "glpat-lab-only-token"
READ_TOKEN = "glpat-lab-only-read-token"
EXTERNAL_URL = "http://git.taaf.internal"

_PORT = re.compile(r"running on http://127\.0\.0\.1:(\d+)")
_NUMBERS = itertools.count(1)
_PERSON = {
    "AUTHOR": ("Camille Morel", "camille.morel@taaf.internal"),
    "COMMITTER": ("Léo Perrin", "lp@taaf.internal"),
}


@dataclass
class Site:
    """The process with an authenticated session on its API."""

    process: Forked
    port: int
    below: str = ""
    http: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.below}"

    def call(self, method: str, path: str, /, **options: Any) -> requests.Response:
        """Request `/api/v4` + path as root."""
        headers = {"PRIVATE-TOKEN": TOKEN, **options.pop("headers", {})}
        return self.http.request(method, f"{self.url}/api/v4{path}", headers=headers, timeout=20, **options)

    def done(self, method: str, path: str, /, **parameters: Any) -> Any:
        """Request with JSON parameters that must succeed; returns what the answer holds."""
        answer = self.call(method, path, json=parameters)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def allow(self, *entries: str) -> None:
        """Replace the outbound allow-list."""
        self.done("PUT", "/application/settings", outbound_local_requests_allowlist_raw="\n".join(entries))

    def project(self, **parameters: Any) -> "Project":
        """A new project with a README."""
        values = {"name": f"projet-{next(_NUMBERS)}", "visibility": "public", "initialize_with_readme": True}
        return Project(self, self.done("POST", "/projects", **(values | parameters)))

    def kill(self) -> None:
        """End the process as a power cut would."""
        self.process.kill()
        self.process.wait()


@dataclass
class Project:
    """A project of the stand-in; `entity` is what its creation answered."""

    site: Site
    entity: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/projects/{self.entity['id']}"

    @property
    def full_path(self) -> str:
        return str(self.entity["path_with_namespace"])

    @property
    def clone_url(self) -> str:
        return f"http://root:{PASSWORD}@127.0.0.1:{self.site.port}{self.site.below}/{self.full_path}.git"

    def call(self, method: str, path: str, /, **options: Any) -> requests.Response:
        return self.site.call(method, self.path + path, **options)

    def done(self, method: str, path: str, /, **parameters: Any) -> Any:
        return self.site.done(method, self.path + path, **parameters)

    def hook(self, url: str, *events: str, **parameters: Any) -> dict[str, Any]:
        """A hook for exactly these events; waits until the allow-list lets it be made."""
        wanted = {"url": url, "push_events": False, **dict.fromkeys(events, True), **parameters}
        answer = wait_until("hook accepted", lambda: self._created(wanted), 10, 0.02)
        assert answer is not None
        made: dict[str, Any] = answer.json()
        return made

    def _created(self, wanted: dict[str, Any]) -> requests.Response | None:
        answer = self.call("POST", "/hooks", json=wanted)
        return answer if answer.status_code == 201 else None

    def commit(self, branch: str, files: dict[str, str], message: str = "Change", **parameters: Any) -> Any:
        """Commit new files through the API."""
        actions = [{"action": "create", "file_path": path, "content": text} for path, text in files.items()]
        return self.done(
            "POST",
            "/repository/commits",
            branch=branch,
            commit_message=message,
            actions=actions,
            **parameters,
        )

    def events(self, hook: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
        """The log of a hook's deliveries, newest first."""
        answer = self.call("GET", f"/hooks/{hook['id']}/events", params=query)
        assert answer.ok, answer.text
        listed: list[dict[str, Any]] = answer.json()
        return listed

    def branch(self, name: str) -> dict[str, Any]:
        """What the API says of a branch."""
        found: dict[str, Any] = self.done("GET", f"/repository/branches/{quote(name, safe='')}")
        return found


@dataclass
class Delivery:
    """One request that a receiver got."""

    headers: dict[str, str]
    raw: bytes
    client_port: int

    @property
    def payload(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.raw)
        return read

    @property
    def kind(self) -> str:
        """`object_kind`, with the action where there is one."""
        action = self.payload.get("object_attributes", {}).get("action")
        return f"{self.payload['object_kind']}:{action}" if action else str(self.payload["object_kind"])


class Receiver:
    """A web server that keeps what it is sent and answers with `status`, unless it is to hang."""

    def __init__(self) -> None:
        self.received: list[Delivery] = []
        self.status = 200
        self.body = b"noted"
        self.hanging = threading.Event()
        self.released = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(Delivery(dict(self.headers), raw, self.client_address[1]))
                if receiver.hanging.is_set():
                    receiver.released.wait(30)
                self.send_response(receiver.status)
                self.send_header("Content-Length", str(len(receiver.body)))
                self.end_headers()
                self.wfile.write(receiver.body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A sender that hung up is what some tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhook/gitlab"

    def expect(self, *kinds: str) -> list[Delivery]:
        """Wait until exactly these kinds have come, in whatever order; returns them in the order given."""
        wait_until(f"deliveries {kinds}", lambda: len(self.received) >= len(kinds), 15, 0.02)
        assert sorted(self.kinds()) == sorted(kinds)
        remaining = list(self.received)
        ordered = []
        for kind in kinds:
            found = next(delivery for delivery in remaining if delivery.kind == kind)
            remaining.remove(found)
            ordered.append(found)
        return ordered

    def kinds(self) -> list[str]:
        return [delivery.kind for delivery in self.received]

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver for the time of a block."""
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.close()


@contextmanager
def running(
    data: Path,
    *options: str,
    cache_seconds: float = 0,
    secrets: dict[str, str] | None = None,
    below: str = "",
) -> Iterator[Site]:
    """The stand-in over a data folder, on a port that the system picks, all of it below the path `below`."""
    if secrets is None:
        secrets = {
            "GITLAB_ROOT_PASSWORD": PASSWORD,
            "GITLAB_ROOT_TOKEN": TOKEN,
            "GITLAB_ROOT_READ_TOKEN": READ_TOKEN,
        }
    address = f"{EXTERNAL_URL}{below}"
    arguments = ["--port", "0", "--data", str(data), "--external-url", address, *options]
    log = data.with_suffix(".log")
    log.write_text("")
    settings = {"LAB_SETTINGS_CACHE_SECONDS": str(cache_seconds), **secrets}
    process = Forked("lab.standins.gitlab", *arguments, output=log, env=os.environ | settings)
    try:
        started = wait_until("stand-in listening", lambda: _PORT.search(log.read_text()), 20, 0.02)
        assert started is not None
        yield Site(process, int(started[1]), below)
    finally:
        process.kill()
        process.wait()


@dataclass
class Clone:
    """A working copy."""

    folder: Path

    def git(self, *arguments: str) -> str:
        """Run git here as Camille Morel; returns what it prints. Fails the test when git fails."""
        environment = {
            **os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
            **{f"GIT_{role}_NAME": name for role, (name, _) in _PERSON.items()},
            **{f"GIT_{role}_EMAIL": address for role, (_, address) in _PERSON.items()},
        }  # fmt: skip
        ended = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def commit(self, message: str, **files: str | None) -> str:
        """Write or remove files (`name_ext` stands for `name.ext`) and commit; returns the commit's id."""
        for name, content in files.items():
            path = self.folder / name.replace("_", ".")
            if content is None:
                path.unlink()
            else:
                path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")


def cloned(url: str, folder: Path) -> Clone:
    """A fresh clone."""
    Clone(folder.parent).git("clone", "--quiet", url, str(folder))
    return Clone(folder)
