"""A load that goes on while something fails: events for the GitLab relay, documents for the Nextcloud relay."""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from itertools import chain, pairwise
from pathlib import Path
from typing import Protocol, Self

from tests.relays.events import body
from tests.relays.process import TOKEN, wait_for
from tests.relays.sink import Sink, keys_of
from tests.relays.test_nextcloud import upload
from tests.relays.test_storm import doubled

CHANNELS = tuple(f"c{number}" for number in range(4))
ROUTES = "".join(f'[[routes]]\nprojects = ["{name}"]\nchannels = ["{name}"]\n' for name in CHANNELS)
# So much waits at most, so that faults fall into the traffic and not behind it.
_AHEAD = 100
_LOOK_SECONDS = 0.005
_FOLDERS = ("Contrats", "Fiches_Paie", "Conges")


class Traffic(Protocol):
    """What was sent, and what became of it."""

    @property
    def sent(self) -> int:
        """How much was sent, taken or not."""

    @property
    def accepted(self) -> int:
        """How much was taken, so that it must not be lost."""

    @property
    def arrived(self) -> int:
        """How much was posted."""

    def missing(self) -> set[str]:
        """What was taken and has not arrived."""

    def doubled(self) -> int:
        """How many posts hold something that was there already."""

    def disordered(self) -> int | None:
        """How often something arrived before what was sent earlier; None if no order is promised."""


class _Going:
    """Threads that go on until the block ends, each with so many seconds between one thing and the next."""

    def __init__(self, pause: float, *work: Callable[[], None]) -> None:
        self._pause = pause
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._repeat, args=(each,), daemon=True) for each in work]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._over.wait(self._pause):
            work()


class Events(_Going):
    """Events of four projects, each into its own channel, one after the other in each, and so many times each.

    What is not taken then is not sent again.
    """

    def __init__(self, port: int, sink: Sink, times: int = 1, pause: float = 0.0) -> None:
        super().__init__(pause, *(lambda name=name: self._send(name) for name in CHANNELS))
        self._port = port
        self._sink = sink
        self._times = times
        self._sent: Counter[str] = Counter()
        self._accepted: dict[str, list[int]] = {name: [] for name in CHANNELS}
        self.answers: Counter[int] = Counter()
        sink.channels |= set(CHANNELS)

    def _send(self, project: str) -> None:
        if len(self._accepted[project]) - len(self._numbers(project)) > _AHEAD:
            time.sleep(_LOOK_SECONDS)
            return
        number = self._sent[project]
        self._sent[project] += 1
        statuses = [self._deliver(project, number) for _ in range(self._times)]
        self.answers.update(statuses)
        if 200 in statuses:
            self._accepted[project].append(number)
        else:
            time.sleep(_LOOK_SECONDS)

    def _deliver(self, project: str, number: int) -> int:
        event = json.loads(body("issue_open.json"))
        event["project"]["path_with_namespace"] = project
        event["object_attributes"].update(iid=number, title=f"Issue {number}")
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        headers = {"X-Gitlab-Token": TOKEN, "Idempotency-Key": f"{project}-{number}", "Connection": "close"}
        try:
            connection.request("POST", "/webhook/gitlab", json.dumps(event), headers)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()

    def _numbers(self, project: str) -> list[int]:
        """What arrived in a channel, each at its first time."""
        posts = [post for post in list(self._sink.posts) if post.channel == project]
        keys = dict.fromkeys(key for post in posts for key in keys_of(post.payload))
        mine = (re.fullmatch(rf"gitlab:{project}-(\d+)", key) for key in keys)
        return [int(found[1]) for found in mine if found]

    @property
    def sent(self) -> int:
        return self._sent.total()

    @property
    def accepted(self) -> int:
        return sum(map(len, self._accepted.values()))

    @property
    def arrived(self) -> int:
        return sum(len(self._numbers(project)) for project in CHANNELS)

    def missing(self) -> set[str]:
        return {
            f"{project}-{number}"
            for project, accepted in self._accepted.items()
            for number in set(accepted) - set(self._numbers(project))
        }

    def doubled(self) -> int:
        return doubled(self._sink).total()

    def disordered(self) -> int | None:
        return sum(
            later < earlier for project in CHANNELS for earlier, later in pairwise(self._numbers(project))
        )


class Documents(_Going):
    """Documents that are uploaded into the tree, one after the other, each announced by itself."""

    def __init__(self, tree: Path, sink: Sink, pause: float = 0.0) -> None:
        super().__init__(pause, self._bring)
        self._tree = tree
        self._sink = sink
        self._brought: list[str] = []

    def _bring(self) -> None:
        if len(self._brought) - self.arrived > _AHEAD:
            time.sleep(_LOOK_SECONDS)
            return
        number = len(self._brought)
        folder = self._tree / _FOLDERS[number % 3] / f"{number // 100}"
        folder.mkdir(exist_ok=True)
        upload(folder / f"document-{number}.pdf")
        self._brought.append(f"document-{number}")

    def _announced(self) -> list[list[str]]:
        """The names in each post."""
        return [re.findall(r"`(document-\d+)\.pdf`", post.shown) for post in list(self._sink.posts)]

    @property
    def sent(self) -> int:
        return len(self._brought)

    @property
    def accepted(self) -> int:
        return len(self._brought)

    @property
    def arrived(self) -> int:
        return len(set(chain(*self._announced())))

    def missing(self) -> set[str]:
        return set(self._brought) - set(chain(*self._announced()))

    def doubled(self) -> int:
        seen: set[str] = set()
        count = 0
        for names in self._announced():
            count += not seen.isdisjoint(names)
            seen.update(names)
        return count

    def disordered(self) -> int | None:
        return None


def more(traffic: Traffic, count: int = 40, seconds: float = 60.0) -> None:
    """Wait until so much more has arrived."""
    goal = traffic.arrived + count
    wait_for(lambda: traffic.arrived >= goal, seconds, f"{count} more to arrive")


def pile_up(traffic: Traffic, count: int) -> None:
    """Wait until so much is under way: taken, and not posted yet."""
    wait_for(lambda: len(traffic.missing()) >= count, 60.0, f"{count} to be under way")
