"""Deliveries that end the process or cannot be announced: found again, processed alone, put aside with their reason."""

import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from relays.delivery.metrics import Metrics
from relays.delivery.outbox import Outbox
from relays.delivery.tables import OUTBOX
from relays.mattermost.message import Message
from relays.sources.gitlab import dead_letters
from relays.sources.gitlab import event_processor as processor
from relays.sources.gitlab.attempt_journal import AttemptJournal
from relays.sources.gitlab.dead_letters import DeadLetters
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.event_processor import MOST_ATTEMPTS, EventProcessor, Tally
from relays.sources.gitlab.history import History
from relays.sources.gitlab.inbox import Delivery, Inbox
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.outcome import Settling
from relays.sources.gitlab.pipeline_history import PipelineHistory
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import Route
from relays.sources.gitlab.tables import GITLAB
from relays.storage.engine import Database
from relays.storage.store import Store
from tests.postgresql import on_both_spools
from tests.relays.events import body, issue
from tests.stores import running_store
from tests.waiting import wait_until

pytestmark = [
    on_both_spools,
    # A thread ends here as the process would.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


class Deadly(Router):
    """Ends the process over the second issue, as far as a thread can: what is under way is never settled."""

    def dispatch(self, event: Event) -> tuple[str, dict[str, Message]]:
        if event.payload.number("object_attributes", "iid") == 2:
            raise SystemExit
        return super().dispatch(event)


class World:
    """A spool and a state directory over the starts of a process."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.received = Inbox(store)
        self.letters = DeadLetters(store)
        self.counters: Counter[str] = Counter()
        self.dead: list[int] = []
        self._file = folder / "attempt"

    def put(self, *numbers: int) -> None:
        """Issues come in."""
        self.received.put(lambda: [Delivery(f"e-{number}", issue(number)) for number in numbers]).result()

    def start(self, router: type[Router] = Deadly) -> EventProcessor:
        """A process that announces."""
        line = Outbox(self.store, "test")
        settling = Settling(self.received, self.letters, History.of(self.store), Mute())
        tally = Tally(Metrics(line.stats, lambda: False), self.counters, self.dead.append)
        made = EventProcessor(
            settling, line, router([Route(("dev",))], Mute()), _Interrupted(self._file), tally
        )
        made.start()
        return made

    def run(self, router: type[Router] = Deadly) -> bool:
        """Start it, and wait until it has ended or processed all; whether it lives."""
        started = self.start(router)
        wait_until(
            "processed, or dead",
            lambda: not started.is_alive() or self.received.pending() == 0,
            20,
            every=0.01,
        )
        started.join(0.1)
        alive = started.is_alive()
        started.stop()
        started.join(10)
        return alive

    def keys(self) -> list[str]:
        """What was announced."""
        return [key for (key,) in self.store.read("SELECT delivery_key FROM outbox ORDER BY id")]


class _Interrupted(AttemptJournal):
    """Whose process ends by a SystemExit: what a kill would never come to is left out."""

    def end(self) -> None:
        if not isinstance(sys.exc_info()[1], SystemExit):
            super().end()


@pytest.fixture
def store(tmp_path: Path, spool: str | None) -> Iterator[Store]:
    with running_store(tmp_path, spool, OUTBOX, GITLAB) as store:
        yield store


@pytest.fixture
def world(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(processor, "_CALM_SECONDS", 0.02)
    return World(store, tmp_path)


def test_what_ends_the_process_becomes_a_dead_letter_after_three_times_alone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.put(1, 2, 3)
    # Once together with the others, then each alone.
    assert [world.run() for _ in range(1 + MOST_ATTEMPTS)] == [False] * (1 + MOST_ATTEMPTS)
    assert world.keys() == ["e-1"]
    assert world.run()
    assert world.keys() == ["e-1", "dead:e-2", "e-3"]
    assert world.counters == {"accepted": 2, "failed": 1}
    assert "failed key=e-2 kind= reason=it has ended the relay 3 times" in caplog.text
    assert world.letters.count() == 1
    # The same once more ends nothing, and is not put aside twice.
    world.put(2)
    assert world.run()
    assert world.counters["duplicate"] == 1
    assert world.letters.count() == 1


def test_alone_from_the_start_it_ends_the_process_three_times(world: World) -> None:
    world.put(2)
    assert [world.run() for _ in range(MOST_ATTEMPTS + 1)] == [False] * MOST_ATTEMPTS + [True]


def test_those_that_were_processed_beside_it_are_not_suspected_any_more(world: World) -> None:
    for _ in range(2 * MOST_ATTEMPTS):
        # Killed each time in the midst of the same events, which have nothing to do with it.
        world.put(1, 3)
        _Interrupted(world._file).begin(["e-1", "e-3"])
        assert world.run()
    assert world.letters.count() == 0
    assert world.store.read("SELECT * FROM suspect") == []


def test_what_ends_with_its_process_as_soon_as_that_starts_is_not_suspected_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "_CALM_SECONDS", 30.0)
    world.put(1)
    _Interrupted(world._file).begin(["e-1"])
    for _ in range(2 * MOST_ATTEMPTS):
        started = world.start()
        wait_until("the attempt before is noted", lambda: not _Interrupted(world._file).left(), 20)
        # Nothing of it is under way yet that a kill could interrupt.
        assert world.received.pending() == 1
        started.stop()
        started.join(10)
    monkeypatch.setattr(processor, "_CALM_SECONDS", 0.02)
    assert world.run()
    assert world.keys() == ["e-1"]


def test_an_attempt_that_was_settled_at_the_last_moment_is_none(world: World) -> None:
    world.put(1)
    assert world.run()
    _Interrupted(world._file).begin(["e-1"])
    world.put(3)
    assert world.run()
    assert world.store.read("SELECT * FROM suspect") == []


def test_what_is_processed_again_is_announced(world: World) -> None:
    world.put(2)
    while not world.run():
        pass
    assert world.dead[-1] == 1
    (letter,) = world.store.read("SELECT id FROM dead_letter")

    def retry(db: Database) -> None:
        dead_letters.retry(db, letter)

    world.store.submit(retry).result()
    assert world.run(Router)
    assert world.keys() == ["dead:e-2", "e-2"]
    assert world.letters.count() == 0
    assert world.store.read("SELECT * FROM suspect") == []


@pytest.mark.parametrize("noted", [False, True], ids=["before it is noted", "after it"])
def test_an_end_is_counted_once_however_many_starts_are_killed_while_they_note_it(
    world: World, monkeypatch: pytest.MonkeyPatch, noted: bool
) -> None:
    world.put(1)
    _Interrupted(world._file).begin(["e-1"])

    class Killed(Inbox):
        def suspect(self, keys: Sequence[str]) -> Future[None]:
            if noted:
                super().suspect(keys).result()
            raise SystemExit

    monkeypatch.setattr(world, "received", Killed(world.store))
    for _ in range(2 * MOST_ATTEMPTS):
        started = world.start()
        wait_until("it has looked", lambda: world.dead or not started.is_alive(), 20, every=0.01)  # noqa: B023
        world.dead.clear()
        started.stop()
        started.join(10)
    monkeypatch.setattr(world, "received", Inbox(world.store))
    assert world.run()
    assert world.keys() == ["e-1"]


@pytest.mark.parametrize(("most", "characters"), [(3, 10**9), (10**9, 3 * len(issue(1)) + 100)])
def test_the_newest_are_kept(
    world: World, monkeypatch: pytest.MonkeyPatch, most: int, characters: int
) -> None:
    monkeypatch.setattr(dead_letters, "MOST", most)
    monkeypatch.setattr(dead_letters, "MOST_CHARACTERS", characters)

    class Broken(Router):
        def dispatch(self, event: Event) -> tuple[str, dict[str, Message]]:
            raise KeyError

    world.put(*range(1, 8))
    assert world.run(Broken)
    kept = [key for (key,) in world.store.read("SELECT delivery_key FROM dead_letter ORDER BY id")]
    assert kept == ["e-5", "e-6", "e-7"]


def test_what_the_store_does_not_take_holds_nobody_up(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it is: half a character, or more than an index takes."""

    class Refused(PipelineHistory):
        def remember(self, db: Database, event: Event) -> None:
            if event.payload.number("object_attributes", "iid") == 2:
                db.execute("INSERT INTO suspect (delivery_key, attempts) VALUES ('x', NULL)")
            super().remember(db, event)

    caplog.set_level(logging.INFO)
    monkeypatch.setattr("relays.sources.gitlab.history.PipelineHistory", Refused)
    world.put(1, 2, 3)
    assert world.run(Router)
    assert world.keys() == ["e-1", "dead:e-2", "e-3"]
    assert "failed key=e-2 kind=issue reason=the store does not take it (" in caplog.text
    assert not world.store.failing


def test_a_place_beyond_what_an_index_takes_is_remembered_all_the_same(world: World) -> None:
    long = "\\u0000" + "".join(chr(0x4E00 + number * 7 % 20000) for number in range(5000))
    failed = body("pipeline_failed.json").decode().replace('"main"', f'"{long}"')
    for number in range(2):
        delivery = Delivery(f"e-{number}", failed.replace("50", f"5{number}").encode())
        world.received.put(lambda delivery=delivery: [delivery]).result()  # type: ignore[misc]
    assert world.run(Router)
    assert world.counters == {"accepted": 2}
    assert not world.store.failing


@pytest.mark.parametrize("name", ["push_normal.json", "merge_request_open.json", "note_merge_request.json"])
def test_names_beyond_what_an_index_takes_are_remembered_all_the_same(world: World, name: str) -> None:
    """Of projects, branches, commits and people, with what PostgreSQL cannot hold in them."""
    long = "\0" + "".join(chr(0x10000 + number * 7919 % 50000) for number in range(5000))
    world.received.put(
        lambda: [Delivery("e-1", json.dumps(_with(json.loads(body(name)), long)).encode())]
    ).result()
    assert world.run(Router)
    assert world.counters == {"accepted": 1}
    assert not world.store.failing


def _with(value: Any, text: str) -> Any:
    """A payload with another text wherever it says who, what branch, what project, what commit."""
    names = (
        "username",
        "path_with_namespace",
        "source_branch",
        "target_branch",
        "id",
        "after",
        "user_username",
    )
    if isinstance(value, dict):
        return {
            key: text
            if key in names and isinstance(each, str)
            else f"{each}{text}"
            if key == "ref"
            else _with(each, text)
            for key, each in value.items()
        }
    return [_with(each, text) for each in value] if isinstance(value, list) else value
