"""Thousands of events through a Mattermost that fails at every fifth post, and a relay that is killed meanwhile.

Where a post is doubled, somebody has to answer for it: the Mattermost here, which sometimes takes a post and drops
the answer, or a kill between the answer and its record, of which each channel has one post under way at most.

The seed is random and printed when the test fails; PASSERELLE_SEED sets it.
"""

import json
import os
import random
import socket
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from typing import Any

import pytest

from tests.relays.events import body
from tests.relays.process import TOKEN, Relay, health, undelivered, wait_for
from tests.relays.sink import DROPPED, DROPPED_AFTER_POSTING, OK, Reply, Sink, keys_of

FAILURES = [
    Reply(429, b"limit exceeded\n"),
    Reply(429, b"limit exceeded\n", {"Retry-After": "1"}),
    Reply(500, b"{}"),
    Reply(502, b"<html>"),
    Reply(503),
    DROPPED,
    DROPPED_AFTER_POSTING,
]
SHARE = 0.2
# The relay waits twice as long after each failure of the same post.
MOST_IN_A_ROW = 3


class Weather:
    """How the sink behaves: `provoked` counts the answers that it dropped after posting, by channel."""

    def __init__(self, chance: random.Random, failures: Sequence[Reply] = FAILURES) -> None:
        self._chance = chance
        self._failures = failures
        self._kill = threading.Event()
        self._tried: Counter[tuple[str, str]] = Counter()
        self.failed = 0
        self.provoked: Counter[str] = Counter()
        self.hanging = False

    def behave(self, payload: dict[str, Any]) -> Reply:
        """Called for one post at a time."""
        head = (payload["channel"], keys_of(payload)[0])
        if self._chance.random() >= SHARE or self._tried[head] == MOST_IN_A_ROW:
            return OK
        self._tried[head] += 1
        self.failed += 1
        if self.hanging:
            # One post stays without an answer until the relay is killed over it, taken or not.
            self.hanging = False
            return Reply(drop=True, post=self._chance.random() < 0.5, hold=self._kill)
        reply = self._chance.choice(self._failures)
        if reply is DROPPED_AFTER_POSTING:
            self.provoked[payload["channel"]] += 1
        return reply

    def killed(self) -> None:
        """The relay is dead: who waits for an answer waits no longer."""
        self._kill.set()
        self._kill = threading.Event()


class Sender:
    """GitLab, and whoever has it send again what got no 200; events of one project one after the other."""

    def __init__(self, port: int, times: int = 1) -> None:
        self._port = port
        self._times = times
        self._accepted: Counter[str] = Counter()

    @property
    def accepted(self) -> int:
        """How many events got a 200 so far."""
        return self._accepted.total()

    def send(self, project: str, count: int) -> None:
        """All the events of a project."""
        event = json.loads(body("issue_open.json"))
        event["project"]["path_with_namespace"] = project
        for number in range(count):
            event["object_attributes"].update(iid=number, title=f"Issue {number}")
            content = json.dumps(event).encode()
            for _ in range(self._times):
                while self._deliver(content, f"{project}-{number}") != 200:
                    pass
            self._accepted[project] += 1

    def _deliver(self, content: bytes, key: str) -> int:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        headers = {"X-Gitlab-Token": TOKEN, "Idempotency-Key": key, "Connection": "close"}
        try:
            connection.request("POST", "/webhook/gitlab", content, headers)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()


def doubled(sink: Sink) -> Counter[str]:
    """How many posts, by channel, hold something that was there already."""
    seen: dict[str, set[str]] = defaultdict(set)
    count: Counter[str] = Counter()
    for post in sink.posts:
        keys = keys_of(post.payload)
        count[post.channel] += not seen[post.channel].isdisjoint(keys)
        seen[post.channel].update(keys)
    return count


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "spool", ["sqlite", pytest.param("postgresql", marks=pytest.mark.exhaustive)], indirect=True
)
@pytest.mark.parametrize(
    ("events", "kills", "channels", "digest_from"),
    [
        pytest.param(10_000, 10, 5, 20, id="digests", marks=pytest.mark.exhaustive),
        pytest.param(2_500, 4, 5, 20, id="fewer-digests"),
        pytest.param(500, 4, 10, 0, id="single-posts"),
    ],
)
def test_nothing_is_lost_or_out_of_order(
    gitlab_with: Callable[[str], Relay], sink: Sink, events: int, kills: int, channels: int, digest_from: int
) -> None:
    seed = int(os.environ.get("PASSERELLE_SEED") or random.randrange(10**9))
    print(f"PASSERELLE_SEED={seed}")
    chance = random.Random(seed)
    names = [f"c{number}" for number in range(channels)]
    sink.channels |= set(names)
    weather = Weather(random.Random(seed))
    sink.behave = weather.behave
    routes = "".join(f'[[routes]]\nprojects = ["{name}"]\nchannels = ["{name}"]\n' for name in names)
    relay = gitlab_with(f"digest_from = {digest_from}\n{routes}")
    with (
        socket.create_server(("127.0.0.1", 0), backlog=1024) as listener,
        ThreadPoolExecutor(channels) as threads,
    ):
        relay.start(listener=listener)
        sender = Sender(listener.getsockname()[1])
        sending = [threads.submit(sender.send, name, events // channels) for name in names]
        # A post that hangs stops one channel only, so the others carry the sum beyond the last of these.
        for moment in sorted(chance.sample(range(int(1.7 * events)), kills)):
            weather.hanging = sender.accepted < events / 2
            wait_for(lambda moment=moment: sender.accepted + len(set(sink.keys)) >= moment, seconds=60)  # type: ignore[misc]
            relay.kill()
            weather.killed()
            relay.start(listener=listener)
        weather.hanging = False
        for each in sending:
            each.result()
        wait_for(lambda: undelivered(relay) == 0, seconds=60)

    for name in names:
        keys = [key for post in sink.posts if post.channel == name for key in keys_of(post.payload)]
        assert list(dict.fromkeys(keys)) == [f"gitlab:{name}-{n}" for n in range(events // channels)]
    again = doubled(sink)
    print(
        f"{len(sink.posts)} posts, {weather.failed} failures, {again} doubled, of them {weather.provoked} provoked"
    )
    for name in names:
        assert weather.provoked[name] <= again[name] <= weather.provoked[name] + kills
    assert health(relay)[1]["parked"] == 0
