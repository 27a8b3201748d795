"""A GitLab in which people act by the relay's token: who somebody is, their role, a merge request, its pipeline."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.relays.loopback import Handler, Loopback
from tests.relays.pressing import SETTING

PROJECT = "taaf/projet-test-taaf"
WRITE_TOKEN = "write0token5of6the7gitlab8api"
GUEST, REPORTER, DEVELOPER, MAINTAINER = 10, 20, 30, 40
IDS = {"alice": 7, "bob": 8, "marc": 9}
Json = dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """How requests whose method and path a pattern finds are answered: a status, or None for no answer at all.

    `takes_effect`: what is asked for happens all the same, and is answered so by a good status. `hold`: nothing is
    answered before it is set.
    """

    pattern: str
    status: int | None
    takes_effect: bool = False
    hold: threading.Event | None = None


@dataclass
class GitLab:
    """What its API says; `changed` is what it was asked to change, in order."""

    people: dict[str, int] = field(default_factory=lambda: dict(IDS))
    """Numbers of accounts by their names."""
    roles: dict[str, int] = field(default_factory=lambda: dict.fromkeys(IDS, DEVELOPER))
    public: bool = False
    most_reviewers: int = 200
    reviewers: list[int] = field(default_factory=list)
    state: str = "opened"
    status: str = "failed"
    ref: str = "feature/quota"
    tag: bool = False
    protected: bool | None = False
    developers_can_merge: bool = False
    failures: list[Failure] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    retried: int = 0

    def __post_init__(self) -> None:
        gitlab = self

        class Answers(Handler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"null")
                gitlab.tokens.add(str(self.headers["PRIVATE-TOKEN"]))
                status, answer = gitlab.answer(self.command, self.path, body)
                if status is None:
                    self.close_connection = True
                    return
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST = _answer

        self._server = Loopback(Answers)

    @property
    def url(self) -> str:
        """Its address."""
        return self._server.url

    def close(self) -> None:
        """Go away: connections are refused."""
        self._server.stop()

    def answer(self, method: str, path: str, body: Json | None) -> tuple[int | None, object]:
        """What a request is answered."""
        where = unquote(urlsplit(path).path).removeprefix("/api/v4/")
        what = f"{method} {where}"
        self.asked.append(what)
        failure = next((each for each in self.failures if re.search(each.pattern, what)), None)
        if failure and failure.hold:
            failure.hold.wait()
        if failure and not failure.takes_effect:
            return failure.status, {"message": "failed"}
        if method != "GET":
            self.changed.append(f"{what} {json.dumps(body)}")
        answer = self._answer(what, where, parse_qs(urlsplit(path).query), body or {})
        if failure and failure.status != HTTPStatus.OK:
            return failure.status, {"message": "failed"}
        if answer is None:
            return 404, {"message": "404 Not found"}
        return (201 if method == "POST" else 200), answer

    def _answer(self, what: str, where: str, query: dict[str, list[str]], body: Json) -> object:
        if where == "users":
            return [self._user(name) for name in query.get("username", []) if name in self.people]
        rest = where.removeprefix(f"projects/{PROJECT}").removeprefix("/")
        if not where.startswith(f"projects/{PROJECT}"):
            return None
        if not rest:
            visibility = "public" if self.public else "private"
            return {"visibility": visibility, "merge_requests_access_level": "enabled"}
        if found := re.fullmatch(r"members/all/(\d+)", rest):
            name = next((name for name, number in self.people.items() if str(number) == found[1]), "")
            role = self.roles.get(name, 0)
            return {**self._user(name), "access_level": role} if role else None
        if rest == "merge_requests/8":
            if what.startswith("PUT"):
                # The rest is left out, and nothing said.
                self.reviewers = body["reviewer_ids"][: self.most_reviewers]
            people = [{"id": number} for number in self.reviewers]
            return {"iid": 8, "state": self.state, "reviewers": people}
        if found := re.fullmatch(r"pipelines/(\d+)(/retry)?", rest):
            if found[2] and self.status == "failed":
                self.status, self.retried = "running", self.retried + 1
            page = f"https://gitlab.example/{PROJECT}/-/pipelines/{found[1]}"
            known = {"id": int(found[1]), "ref": self.ref, "tag": self.tag, "web_url": page}
            return known | {"status": self.status, "updated_at": f"2026-11-20T08:23:0{self.retried}Z"}
        kind = "tags" if self.tag else "branches"
        if rest == f"repository/{kind}/{self.ref}" and self.protected is not None:
            return {"protected": self.protected, "developers_can_merge": self.developers_can_merge}
        return None

    def _user(self, name: str) -> Json:
        return {"id": self.people.get(name, 0), "username": name, "state": "active", "public_email": ""}


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    """One in which everybody develops."""
    started = GitLab()
    yield started
    started.close()


def settings(gitlab: GitLab) -> str:
    """What the table of commands says besides, so that they have buttons, and act there."""
    return f'{SETTING}\n[commands.gitlab]\nurl = "{gitlab.url}"\n'


def hand_token(home: Path, token: str = WRITE_TOKEN) -> None:
    """Hand the relay the token to act with."""
    (home / "credentials" / "gitlab-write-token").write_text(f"{token}\n")
