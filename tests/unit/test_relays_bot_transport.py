"""Several conversations over several connections: at the same time, and each with an end of its own."""

import threading
from collections.abc import Callable
from typing import cast

import pytest

from relays.delivery.bot_connection import BotConnection
from relays.delivery.bot_transport import BotTransport
from relays.delivery.lease import Lease
from relays.delivery.roots import Edit, Roots
from relays.delivery.transport import Attempt
from relays.mattermost.client import Meaning, PostResult
from relays.storage.engine import StorageError


class Connection:
    """A connection that does as it is told with what it is given, which is a number here."""

    def __init__(self, act: Callable[[object], PostResult]) -> None:
        self._act = act

    def server_time(self) -> float | None:
        return 1.0

    def deliver(self, delivery: object) -> Attempt:
        return Attempt(self._act(delivery))

    def edit(self, edit: object) -> PostResult:
        return self._act(edit)


def transport(act: Callable[[object], PostResult]) -> tuple[BotTransport, list[Connection]]:
    made: list[Connection] = []

    def connect() -> BotConnection:
        made.append(Connection(act))
        return cast("BotConnection", made[-1])

    return BotTransport(connect, "dev", cast("Roots", None)), made


def answer(number: object) -> PostResult:
    return PostResult(Meaning.POSTED, f"{number}")


@pytest.mark.parametrize("count", [1, 2, 8])
def test_all_are_under_way_at_the_same_time_each_over_a_connection_of_its_own(count: int) -> None:
    everybody = threading.Barrier(count, timeout=20)

    def act(number: object) -> PostResult:
        everybody.wait()
        return answer(number)

    way, made = transport(act)
    for _ in range(2):
        attempts = way.deliver(cast("list[Lease]", list(range(count))))
        assert [attempt and attempt.answer for attempt in attempts] == [answer(n) for n in range(count)]
        assert way.edit(cast("list[Edit]", list(range(count)))) == [answer(n) for n in range(count)]
    assert len(made) == count


@pytest.mark.parametrize("failing", [0, 1])
def test_one_that_cannot_be_stored_takes_no_other_down(failing: int) -> None:
    def act(number: object) -> PostResult:
        if number == failing:
            raise StorageError("no space left")
        return answer(number)

    way, _ = transport(act)
    attempts = way.deliver(cast("list[Lease]", [0, 1]))
    assert [attempt and attempt.answer.reason for attempt in attempts] == [
        None if number == failing else f"{number}" for number in (0, 1)
    ]


@pytest.mark.parametrize("failing", [0, 1])
def test_a_fault_of_the_relay_ends_the_worker(failing: int) -> None:
    """The service ends with it, and is started again."""

    def act(number: object) -> PostResult:
        if number == failing:
            raise ZeroDivisionError
        return answer(number)

    way, _ = transport(act)
    with pytest.raises(ZeroDivisionError):
        way.deliver(cast("list[Lease]", [0, 1]))
