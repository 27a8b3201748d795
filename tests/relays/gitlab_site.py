"""A GitLab whose hook leads to a relay, with a hand on both ways: its deliveries and its API."""

import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.relays.loopback import Handler, Loopback
from tests.relays.process import TOKEN, Relay, wait_for
from tests.relays.sink import Reply
from tests.standins.gitlab_site import Project, Site, running


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a GitLab of the module keeps what it knows."""
    return tmp_path_factory.mktemp("gitlab") / "data" / "gitlab.sqlite3"


@pytest.fixture(scope="module")
def site(database: Path) -> Iterator[Site]:
    """A GitLab that may send its hooks to this machine, and gives up after a second."""
    with running(database.parent, "--webhook-timeout", "1") as started:
        started.allow("127.0.0.1")
        yield started


class Door:
    """The way from GitLab to a relay: open, shut, or such that no answer comes back. Its port stays the same."""

    def __init__(self, relay: Relay) -> None:
        self.open = True
        self.answers = True
        self._relay = relay
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        """Where the hook leads."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/webhook/gitlab"

    def close(self) -> None:
        """Take nothing any more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                caller = self._listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._lead, args=(caller,), daemon=True).start()

    def _lead(self, caller: socket.socket) -> None:
        with caller:
            if not self.open:
                return
            try:
                relay = socket.create_connection(("127.0.0.1", self._relay.port), 10)
            except OSError:
                return
            with relay:
                back = threading.Thread(target=self._copy, args=(relay, caller, self.answers), daemon=True)
                back.start()
                self._copy(caller, relay, True)
                back.join()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket, passes: bool) -> None:
        try:
            while data := source.recv(65536):
                if passes:
                    target.sendall(data)
            if passes:
                target.shutdown(socket.SHUT_WR)
        except OSError:
            return


class Front:
    """GitLab's API as the relay reaches it: the real one, or whatever `behave` answers to a path instead."""

    def __init__(self, behind: str) -> None:
        self.asked: list[str] = []
        self.behave: Callable[[str], Reply | None] = lambda path: None
        front = self

        class Answers(Handler):
            def do_GET(self) -> None:
                front.asked.append(self.path)
                reply = front.behave(self.path)
                if reply is None:
                    token = {"PRIVATE-TOKEN": self.headers["PRIVATE-TOKEN"]}
                    answer = requests.get(behind + self.path, headers=token, timeout=10)
                    reply = Reply(answer.status_code, answer.content)
                self.send_response(reply.status)
                for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

        self._server = Loopback(Answers)

    @property
    def url(self) -> str:
        """The address of the API's server."""
        return self._server.url

    @property
    def pages(self) -> list[str]:
        """The pages of the log that were asked for."""
        return [path for path in self.asked if "/events?" in path]

    @property
    def turns(self) -> list[str]:
        """The questions that begin a turn."""
        return [path for path in self.asked if "/hooks?" in path]

    @contextmanager
    def unanswered(self, part: str) -> Iterator[threading.Event]:
        """Paths that hold `part` get no answer meanwhile; the event is set once one was asked for."""
        asked, over, behave = threading.Event(), threading.Event(), self.behave

        def hold(path: str) -> Reply | None:
            if part in path:
                asked.set()
                over.wait()
            return behave(path)

        self.behave = hold
        try:
            yield asked
        finally:
            self.behave = behave
            over.set()

    def close(self) -> None:
        """Go away: connections are refused."""
        self._server.stop()


@dataclass
class Forge:
    """A project with its hook to the relay."""

    project: Project
    door: Door
    front: Front
    database: Path
    hook: dict[str, Any]

    @classmethod
    def make(cls, site: Site, database: Path, relay: Relay) -> "Forge":
        """A new project on the site."""
        project, door = site.project(visibility="private"), Door(relay)
        hook = project.hook(door.url, "issues_events", name="Passerelle", token=TOKEN)
        return cls(project, door, Front(site.url), database, hook)

    @property
    def settings(self) -> str:
        """What the relay must know of it."""
        return f'[gitlab]\nurl = "{self.front.url}"\nprojects = ["{self.project.full_path}"]\nhook = "Passerelle"\n'

    def open_issue(self, title: str) -> None:
        """An event."""
        self.project.done("POST", "/issues", title=title)

    def fail(self, *titles: str) -> None:
        """Events that cannot be delivered, one after the other."""
        self.door.open = False
        for title in titles:
            before = len(self.failed_keys())
            self.open_issue(title)
            wait_for(lambda before=before: len(self.failed_keys()) > before)  # type: ignore[misc]
        self.door.open = True

    def failed_keys(self) -> list[str]:
        """The keys of what could not be delivered, eldest first."""
        query = (
            "SELECT json_extract(request_headers, '$.\"Idempotency-Key\"') FROM hook_logs"
            " WHERE hook_id = ? AND response_status NOT LIKE '2%' ORDER BY id"
        )
        return [f"gitlab:{key}" for (key,) in self.sql(query, self.hook["id"])]

    def sql(self, query: str, *parameters: object) -> list[Any]:
        """Look into GitLab's database, or alter what no API does."""
        with sqlite3.connect(self.database, timeout=20) as db:
            return db.execute(query, parameters).fetchall()

    def close(self) -> None:
        """Shut both ways."""
        self.door.close()
        self.front.close()
