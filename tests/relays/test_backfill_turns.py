"""Turn after turn against a log that answers anything: each trouble announced once, nothing handed in twice."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from relays.sources.gitlab.backfill import Backfill
from relays.sources.gitlab.delivery_log import DeliveryLog
from relays.sources.gitlab.hook_logs import PatternLogs
from relays.sources.gitlab.inbox import Delivery, Inbox
from relays.sources.gitlab.patterns import Pattern
from relays.sources.gitlab.project_list import ProjectList
from relays.sources.gitlab.rest import PlaceApi, Server
from relays.sources.gitlab.tables import GITLAB
from relays.storage.engine import StorageError
from relays.storage.store import Store
from tests.postgresql import also_on_postgresql
from tests.relays.gitlab_site import Front
from tests.relays.process import wait_for
from tests.relays.sink import Reply
from tests.stores import running_store

pytestmark = also_on_postgresql

HOOKS = [{"id": 7, "name": "Passerelle"}, {"id": 8, "name": "Autre"}, {"id": 9, "name": "Passerelle"}]


class Taker:
    """A store of deliveries that keeps the keys of what it was handed, and fails as it is asked."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.fails: Callable[[], bool] = lambda: False

    def put(self, take: Callable[[], Sequence[Delivery]]) -> Future[None]:
        self.keys += [delivery.key for delivery in take()]
        stored: Future[None] = Future()
        if self.fails():
            stored.set_exception(StorageError("full"))
        else:
            stored.set_result(None)
        return stored


def event(number: int, key: str, **others: object) -> dict[str, object]:
    """An entry of the log, an hour after the one with the number before."""
    moment = f"2026-11-2{number // 24}T{number % 24:02}:30:00.000Z"
    known = {"id": number, "created_at": moment, "request_headers": {"Idempotency-Key": key}}
    return {**known, "request_data": {"object_kind": "issue"}, **others}


def answering(events: dict[int, list[object]]) -> Callable[[str], Reply]:
    """GitLab with these entries of each hook, all on one page."""

    def behave(path: str) -> Reply:
        listed: object = HOOKS
        if "/events?" in path:
            listed = events.get(int(path.split("/hooks/")[1].split("/")[0]), [])
        return Reply(200, json.dumps(listed).encode())

    return behave


@pytest.fixture
def front() -> Iterator[Front]:
    front = Front("http://127.0.0.1:9")
    yield front
    front.close()


@pytest.fixture
def store(tmp_path: Path, spool: str | None) -> Iterator[Store]:
    with running_store(tmp_path, spool, GITLAB) as store:
        yield store


@contextmanager
def turning(
    store: Store, front: Front, taker: Taker, projects: Sequence[str] = ("root/projet",)
) -> Iterator[Callable[[int], None]]:
    """A redelivery that takes turn after turn; what is given waits for so many more of them."""
    server = Server(front.url, "glpat-x")
    hook_logs = [DeliveryLog(PlaceApi(server, project), "Passerelle") for project in projects]
    worker = Backfill(store, cast(Inbox, taker), hook_logs, interval=0.01)
    worker.start()

    def turns(number: int) -> None:
        asked = len(front.turns)
        wait_for(lambda: len(front.turns) > asked + number)
        assert worker.healthy

    yield turns
    worker.stop()
    worker.join(10)
    assert not worker.is_alive()


def troubles(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "backfill" in record.getMessage()]


def paged(path: str) -> Reply | None:
    """GitLab's list of the projects of a group, of which one may be listed otherwise and one is left out."""
    if "/groups/taaf/hooks" in path:
        return Reply(404, b'{"error":"404 Not Found"}')
    if "/groups/taaf/projects" in path:
        return Reply(200, json.dumps([{"path_with_namespace": f"taaf/{each}"} for each in PROJECTS]).encode())
    return None


PROJECTS = ["web", "secret", "new", "listed"]


def test_what_a_pattern_finds_is_read_as_it_comes(
    store: Store, front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    """A project without a hook has nothing to be read; one that is left out, or listed, is not read by the pattern."""
    taker, hooked = Taker(), {"web"}

    def behave(path: str) -> Reply:
        if (list_ := paged(path)) is not None:
            return list_
        name = path.split("taaf%2F")[1].partition("/")[0]
        if "/events?" in path:
            return Reply(200, json.dumps([event(1 + len(name), f"of-{name}")]).encode())
        number = 10 + PROJECTS.index(name)
        return Reply(
            200, json.dumps([{"id": number, "name": "Passerelle"}] if name in hooked else []).encode()
        )

    front.behave = behave
    listed = ProjectList(["taaf/listed", "taaf/**", "!taaf/secret"])
    logs = [PatternLogs(Pattern(Server(front.url, "glpat-x"), "taaf/**", listed), "Passerelle")]
    worker = Backfill(store, cast(Inbox, taker), logs, interval=0.01)
    worker.start()
    wait_for(lambda: taker.keys == ["gitlab:of-web"])
    hooked.add("new")
    wait_for(lambda: sorted(set(taker.keys)) == ["gitlab:of-new", "gitlab:of-web"])
    worker.stop()
    worker.join(10)
    assert not any("secret" in path or "listed" in path for path in front.asked)
    assert troubles(caplog) == []


def test_a_group_that_is_gone_is_a_trouble_of_its_own(
    store: Store, front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    taker = Taker()

    def behave(path: str) -> Reply:
        if "/groups/" in path or "/users/" in path:
            return Reply(404, b'{"message":"404 Group Not Found"}')
        return answering({7: [event(1, "a")]})(path)

    front.behave = behave
    server = Server(front.url, "glpat-x")
    logs: list[DeliveryLog | PatternLogs] = [
        PatternLogs(Pattern(server, "gone/*", ProjectList(["gone/*"])), "Passerelle"),
        DeliveryLog(PlaceApi(server, "root/projet"), "Passerelle"),
    ]
    worker = Backfill(store, cast(Inbox, taker), logs, interval=0.01)
    worker.start()
    wait_for(lambda: taker.keys == ["gitlab:a"])
    worker.stop()
    worker.join(10)
    (trouble,) = troubles(caplog)
    assert "project=gone/*" in trouble
    assert "there is no group gone that the token may see" in trouble


@pytest.mark.parametrize(
    ("spoiled", "answer", "reason"),
    [
        ("/hooks?", Reply(403, b'{"error":"insufficient_scope"}'), "HTTP 403: the token may not read hooks"),
        ("/hooks?", Reply(302, headers={"Location": "/elsewhere"}), "HTTP 302: it leads elsewhere"),
        ("/hooks?", Reply(200, b"<html>Sign in</html>"), "the answer is not GitLab's"),
        ("/hooks?", Reply(200, b'{"message": "x"}'), "the answer is not GitLab's"),
        ("/hooks?", Reply(200, b"[" * 100_000), "the answer is not GitLab's"),
        ("/hooks?", Reply(200, b"[]"), "the project has no hook Passerelle"),
        ("/events?", Reply(404), "HTTP 404: GitLab keeps no log of deliveries: 17.3 or newer is needed"),
        ("/events?", Reply(429), "HTTP 429: GitLab is asked again"),
        ("/events?", Reply(502, b"<html>"), "HTTP 502: GitLab is asked again"),
        ("/events?", Reply(200, b'[{"id": 1}]'), "the log lacks id, created_at or request_headers"),
        ("/events?", Reply(200, json.dumps([event(1, "a", id="1")]).encode()), "the log lacks id"),
        ("/events?", Reply(200, json.dumps([event(1, "a", id=2**70)]).encode()), "the log lacks id"),
        ("/events?", Reply(200, json.dumps([event(1, "a", created_at="soon")]).encode()), "the log lacks id"),
        ("/events?", Reply(200, b"[3]"), "the answer is not GitLab's"),
    ],
)
def test_a_trouble_is_reported_once_and_ends(
    store: Store, front: Front, caplog: pytest.LogCaptureFixture, spoiled: str, answer: Reply, reason: str
) -> None:
    caplog.set_level(logging.INFO)
    sound = answering({9: [event(1, "late")]})
    front.behave = lambda path: answer if spoiled in path else sound(path)
    taker = Taker()
    with turning(store, front, taker) as turns:
        turns(3)
        (announced,) = troubles(caplog)
        assert announced.startswith(f"backfill trouble project=root/projet reason={reason}")
        assert "what arrives is accepted" in announced
        front.behave = sound
        wait_for(lambda: taker.keys == ["gitlab:late"])
        wait_for(lambda: troubles(caplog) == [announced, "backfill works again project=root/projet"])
    assert all("/api/v4/projects/root%2Fprojet/hooks" in path for path in front.asked)


def test_what_was_judged_is_not_handed_in_again(store: Store, front: Front) -> None:
    front.behave = answering({7: [event(3, "c"), event(1, "a")], 9: [event(2, "b")]})
    taker = Taker()
    for _ in range(2):
        with turning(store, front, taker) as turns:
            turns(2)
    assert taker.keys == ["gitlab:a", "gitlab:b", "gitlab:c"]


def test_what_cannot_be_stored_is_handed_in_until_it_is(store: Store, front: Front) -> None:
    front.behave = answering({7: [event(2, "b"), event(1, "a")]})
    taker = Taker()
    taker.fails = lambda: len(taker.keys) <= 3
    with turning(store, front, taker) as turns:
        wait_for(lambda: len(taker.keys) >= 5)
        turns(2)
    assert taker.keys == ["gitlab:a"] * 4 + ["gitlab:b"]


def test_a_reading_that_breaks_off_leaves_no_gap(store: Store, front: Front) -> None:
    first = [event(number, f"e{number}") for number in range(40, 30, -1)]
    second = [event(number, f"e{number}") for number in range(30, 25, -1)]
    pages: dict[str, Reply] = {"1": Reply(200, json.dumps(first).encode()), "2": Reply(500)}
    sound = answering({})
    front.behave = lambda path: pages[path.rpartition("page=")[2]] if "/7/events?" in path else sound(path)
    taker = Taker()
    with turning(store, front, taker) as turns:
        turns(2)
        assert taker.keys == []
        pages["2"] = Reply(200, json.dumps(second).encode())
        wait_for(lambda: len(taker.keys) == 15)
        turns(2)
    assert taker.keys == [f"gitlab:e{number}" for number in range(26, 41)]


def test_a_log_that_cannot_be_read_holds_up_no_other(
    store: Store, front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    """What was read of it before it broke off waits for the rest: older events may be missing before it."""
    caplog.set_level(logging.INFO)
    half = [event(number, f"half-{number}") for number in range(40, 30, -1)]
    rest = Reply(200, json.dumps([event(30, "half-30")]).encode())
    broken: dict[str, Reply | None] = {"?": Reply(500)}
    ours, others = ([{"id": number, "name": "Passerelle"}] for number in (7, 8))

    def behave(path: str) -> Reply:
        if "/events?" not in path:
            return Reply(200, json.dumps(ours if "root%2Fours" in path else others).encode())
        if "/7/" in path:
            return Reply(200, json.dumps([event(45, "ours")]).encode())
        return Reply(200, json.dumps(half).encode()) if path.endswith("page=1") else broken["?"] or rest

    front.behave = behave
    taker = Taker()
    with turning(store, front, taker, ("root/others", "root/ours")) as turns:
        wait_for(lambda: taker.keys == ["gitlab:ours"])
        turns(4)
        assert taker.keys == ["gitlab:ours"]
        (announced,) = troubles(caplog)
        assert announced.startswith("backfill trouble project=root/others reason=HTTP 500")
        broken["?"] = None
        wait_for(lambda: len(taker.keys) == 12)
        wait_for(lambda: troubles(caplog)[1:] == ["backfill works again project=root/others"])
    assert taker.keys[1:] == [f"gitlab:half-{number}" for number in range(30, 41)]
