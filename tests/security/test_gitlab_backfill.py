"""Poison in GitLab's log of deliveries: what failed beside it is got in all the same."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.postgresql import also_on_postgresql
from tests.relays.events import issue
from tests.relays.gitlab_site import Front
from tests.relays.process import Relay, wait_for
from tests.relays.sink import Reply, Sink
from tests.security.bounds import MOST_MEGABYTES, Bounds
from tests.security.senders import nested
from tests.security.supervisor import Supervisor

ENTRIES = 25
POISONED = 7
SIZE = 24_000_000
SETTINGS = '[gitlab]\nurl = "{url}"\nprojects = ["a/b"]\nhook = "Passerelle"\n'

POISON: dict[str, Callable[[], bytes]] = {
    "24 MB of empty lists": lambda: nested(SIZE, "[]"),
    "24 MB of text": lambda: nested(SIZE, '"' + "a" * 1000 + '"'),
    "40 MB of text": lambda: nested(40_000_000, '"' + "a" * 1000 + '"'),
    "24 MB of emoji": lambda: nested(SIZE // 4, '"' + "😀" * 250 + '"').replace(
        b"\\ud83d\\ude00", "😀".encode()
    ),
    "depth that can just be read": lambda: nested(4000, "[" * 960 + "]" * 960),
    "depth that cannot be read": lambda: nested(4000, "[" * 1500 + "]" * 1500),
    "a number of 5,000 digits": lambda: issue(7).replace(b'"iid": 7', b'"iid": ' + b"7" * 5000),
}
FAST = "24 MB of empty lists"


class Log:
    """A log of deliveries that failed, the newest first, one of them poison, as GitLab's API answers."""

    def __init__(self, poison: bytes) -> None:
        newest = datetime.now(UTC)
        self._entries = [
            self._entry(
                number, newest - timedelta(seconds=number), poison if number == POISONED else issue(number)
            )
            for number in range(ENTRIES)
        ]

    @staticmethod
    def _entry(number: int, at: datetime, body: bytes) -> bytes:
        said = {
            "id": 1000 - number,
            "created_at": at.isoformat(),
            "request_headers": {"Idempotency-Key": f"entry-{number}"},
        }
        return json.dumps(said)[:-1].encode() + b', "request_data": ' + body + b"}"

    def answer(self, path: str) -> Reply:
        """A page of it, or of the hooks."""
        asked = parse_qs(urlsplit(path).query)
        if "/events" not in path:
            return Reply(200, json.dumps([{"id": 1, "name": "Passerelle"}]).encode())
        size, page = int(asked["per_page"][0]), int(asked["page"][0])
        return Reply(200, b"[" + b",".join(self._entries[(page - 1) * size : page * size]) + b"]")


@pytest.fixture
def front() -> Iterator[Front]:
    """GitLab's API."""
    made = Front("")
    yield made
    made.close()


@also_on_postgresql
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == FAST else pytest.mark.exhaustive) for name in POISON]
)
def test_poison_in_the_log(
    gitlab_with: Callable[[str], Relay], front: Front, sink: Sink, bounds: Bounds, name: str
) -> None:
    front.behave = Log(POISON[name]()).answer
    relay = gitlab_with(SETTINGS.format(url=front.url))
    (relay.home / "credentials" / "gitlab-read-token").write_text("glpat-x")
    relay.start()
    others = {f"gitlab:entry-{number}" for number in range(ENTRIES)} - {f"gitlab:entry-{POISONED}"}
    attack = f"in GitLab's log: {name}"
    with Supervisor(relay) as supervisor:
        wait_for(lambda: others <= set(sink.keys), 60)
    bounds.exactly(attack, "other deliveries announced", len(others), len(others & set(sink.keys)))
    bounds.exactly(attack, "ends of the relay", 0, supervisor.ends)
    bounds.at_most(attack, "peak memory in MB", MOST_MEGABYTES, relay.peak_megabytes)
