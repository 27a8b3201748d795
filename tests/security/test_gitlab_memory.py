"""Large bodies at the GitLab relay: all are taken, and never more of them is held at once than the memory takes."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue

import pytest

from relays.sources.gitlab.http import connection_limit as crowd
from tests.postgresql import also_on_postgresql
from tests.relays.events import issue
from tests.relays.process import TOKEN, Relay, undelivered, wait_for
from tests.relays.sink import Sink
from tests.security.bounds import MOST_MEGABYTES, Bounds
from tests.security.senders import BESIDE_SECONDS, Good, deliver, elsewhere, signature

MEGABYTE = 1024 * 1024
# GitLab waits for ten; what is tested is the order, on a machine that has other work.
TAKEN_SECONDS = 60.0


def event(size: int, filling: str) -> bytes:
    """The opening of an issue whose description fills a body of so many bytes."""
    payload = json.loads(issue(1))
    room = size - len(issue(1)) - 1000
    payload["object_attributes"]["description"] = filling * (room // len(filling.encode()))
    return json.dumps(payload, ensure_ascii=False).encode()


def wide(size: int) -> bytes:
    """The same of one-byte characters but for one, so that each takes four bytes of memory in a text."""
    return event(size - 4, "a").replace(b"aa", "😀".encode(), 1)


BODIES: dict[str, tuple[int, Callable[[], bytes]]] = {
    "24 bodies of 9 MB at once": (24, lambda: event(9 * MEGABYTE, "a")),
    "24 bodies of 9 MB at once, of emoji": (24, lambda: event(9 * MEGABYTE, "😀")),
    "24 bodies of 9 MB at once, with one emoji": (24, lambda: wide(9 * MEGABYTE)),
    "8 bodies of 25 MB at once, with one emoji": (8, lambda: wide(25 * MEGABYTE)),
    "400 bodies of 500 kB at once": (400, lambda: event(500_000, "a")),
    "400 bodies of 60 kB at once": (400, lambda: event(60_000, "é")),
    "1,500 bodies of 60 kB at once": (1500, lambda: event(60_000, "é")),
}
FIRST = next(iter(BODIES))
CASES = [
    pytest.param(name, how, marks=[] if (name, how) == (FIRST, "with the token") else pytest.mark.exhaustive)
    for name, (number, _) in BODIES.items()
    for how in ("with the token", "signed")
    # Beyond the number of connections only who shows the token is no stranger before the end of a body.
    if how == "with the token" or number <= crowd.MOST
]


def send_all(port: int, name: str, how: str, answers: "SimpleQueue[dict[int, int]]") -> None:
    """Send all bodies of a case at once; how many answers there were with each status."""
    number, make = BODIES[name]
    body = make()
    statuses: list[int] = []

    def send(each: int) -> None:
        token = {"X-Gitlab-Token": TOKEN, "Idempotency-Key": f"large-{each}"}
        statuses.append(deliver(port, body, signature(body) if how == "signed" else token, TAKEN_SECONDS))

    threads = [threading.Thread(target=send, args=(each,)) for each in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.put(dict(Counter(statuses)))


@also_on_postgresql
@pytest.mark.parametrize(("name", "how"), CASES)
def test_many_at_once(signing: Relay, sink: Sink, bounds: Bounds, name: str, how: str) -> None:
    number, _ = BODIES[name]
    good = Good()
    answers = get_context("spawn").SimpleQueue()
    with elsewhere(send_all, signing.port, name, how, answers) as sending:
        while sending.is_alive():
            good.send_for(signing, 0.2)
    attack = f"{name}, {how}"
    bounds.exactly(attack, "statuses", {200: number}, answers.get())
    bounds.exactly(attack, "statuses of small ones", {200}, set(good.statuses))
    bounds.at_most(attack, "seconds to the slowest small answer", BESIDE_SECONDS, good.slowest)
    wait_for(lambda: undelivered(signing) == 0, 120)
    bounds.at_most(attack, "peak memory in MB", MOST_MEGABYTES, signing.peak_megabytes)
