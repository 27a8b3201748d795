"""What somebody is answered whose decision the store is slow to take: done, not done, or that nobody knows yet."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

import pytest

from relays.delivery.outbox import Notification, Outbox
from relays.mattermost.handover import Handled, Handover, Outcome
from relays.sources.nextcloud import taking
from relays.sources.nextcloud.taking import Taking
from relays.storage.engine import Database, StorageError
from relays.storage.storing import UncertainError, stored
from relays.wording import CATALOGUES

Work = Callable[[Any], str]


class SlowStore:
    """Does its work when it is let, or at once up to the commit; `done` are those that were done."""

    def __init__(self, *, begins: bool, error: Exception | None = None) -> None:
        self._begins = begins
        self._error = error
        self.done: list[str] = []
        self.let = threading.Event()

    def submit(self, work: Work) -> Future[str]:
        future: Future[str] = Future()

        def run() -> None:
            try:
                if not self._begins:
                    self.let.wait(30)
                found = work(None)
                if self._begins:
                    self.let.wait(30)
                if self._error:
                    raise self._error
                self.done.append(found)
                future.set_result(found)
            except Exception as error:
                future.set_exception(error)

        self.thread = threading.Thread(target=run)
        self.thread.start()
        return future


CASES: dict[str, tuple[SlowStore, bool, type[Exception] | None, list[str]]] = {
    "in time": (SlowStore(begins=True), True, None, ["x"]),
    "refused in time": (SlowStore(begins=True, error=StorageError("full")), True, StorageError, []),
    "of another error": (SlowStore(begins=True, error=KeyError("x")), True, KeyError, []),
    "never begun": (SlowStore(begins=False), False, StorageError, []),
    "begun, and done afterwards": (SlowStore(begins=True), False, UncertainError, ["x"]),
    "begun, and not done": (SlowStore(begins=True, error=StorageError("full")), False, UncertainError, []),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_said_is_what_becomes_of_it(name: str) -> None:
    """What was said not to be done is not done later either."""
    store, in_time, error, done = CASES[name]
    if in_time:
        store.let.set()
        if error is None:
            assert stored(store.submit, lambda db: "x") == "x"
        else:
            with pytest.raises(error):
                stored(store.submit, lambda db: "x")
    else:
        assert error is not None
        with pytest.raises(error):
            stored(store.submit, lambda db: "x", 0.2)
        store.let.set()
    store.thread.join(30)
    assert store.done == done


class Free(Taking):
    """Documents that whoever presses has."""

    def _take(self, db: Database, handover: Handover) -> tuple[Handled, list[Notification]]:
        return Handled("taken", handover.name, 1.0), []


@pytest.mark.parametrize(
    ("begins", "in_time", "outcome", "done"),
    [
        (True, True, "taken", 1),
        (True, False, "uncertain", 1),
        # Who is answered so tries again: it must not be done afterwards.
        (False, False, "failing", 0),
    ],
)
def test_who_takes_a_document_is_answered_what_becomes_of_it(
    monkeypatch: pytest.MonkeyPatch, begins: bool, in_time: bool, outcome: Outcome, done: int
) -> None:
    store = SlowStore(begins=begins)
    if in_time:
        store.let.set()
    monkeypatch.setattr(taking, "ANSWER_SECONDS", 30 if in_time else 0.2)
    outbox = cast(Outbox, SimpleNamespace(put=store.submit))
    found = Free(outbox, CATALOGUES["fr"], lambda: 1.0, "").take(Handover("document:1", "p", "u", "alice"))
    store.let.set()
    store.thread.join(30)
    assert (found.outcome, len(store.done)) == (outcome, done)
