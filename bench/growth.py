"""What becomes of the relays as the backlog, the routes and the trees grow."""

import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from bench import plots, trees
from bench.delivery import gitlab_relay, mattermost
from bench.processes import resident_megabytes
from bench.report import Row
from tests.relays import events
from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink

TITLE = "Growth"
INTRODUCTION = (
    "The real relays as processes. Backlog: a Mattermost that does not answer, notifications that wait for it, and the"
    " time from the connection to the answer for one event after the other, all relays up at the same time and asked in"
    " turn. Routes: the last one matches, time from the event to its post. Trees: on a local disk, a hundred documents"
    " to a folder, time from the rename that completes an upload to its post."
)
PACKAGES = ("watchdog",)

_BACKLOGS = (0, 10, 10_000, 1_000_000)
_ROUTES = (1, 10, 100, 1000)
_TREES = (1000, 10_000, 50_000, 200_000)
_ROUNDS = 5
_EVENTS = 50

Points = list[tuple[float, float]]


def measure(home: Path) -> Iterator[Row]:
    """Each in turn."""
    for part in (_backlogs, _routes, _trees):
        place = home / part.__name__
        place.mkdir()
        yield from part(place)


def _backlogs(home: Path) -> Iterator[Row]:
    with ExitStack() as stack:
        sink = stack.enter_context(mattermost("dev-notifications"))
        relays: dict[int, Relay] = {}
        for backlog in _BACKLOGS:
            relay = relays[backlog] = stack.enter_context(gitlab_relay(home / f"{backlog}", sink))
            relay.terminate()
            _fill(relay.state / "relay.db", backlog)
        sink.hang()
        for relay in relays.values():
            relay.start()
        took: dict[int, list[float]] = {backlog: [] for backlog in relays}
        for _ in range(_ROUNDS):
            for backlog, relay in relays.items():
                took[backlog] += _answers(relay, len(took[backlog]))
        medians = {backlog: statistics.median(times) for backlog, times in took.items()}
        for backlog, median in medians.items():
            ratio = f", {median / medians[0]:.2f} × that of an empty queue" if backlog else ""
            bar = "at most 1.5 ×" if backlog == _BACKLOGS[-1] else ""
            yield (
                f"event accepted with {backlog:,} queued, median of {_ROUNDS * _EVENTS}",
                f"{median:.1f} ms{ratio}",
                bar,
            )
        points = [(max(1, backlog), median) for backlog, median in medians.items()]
        labels = ("notifications queued", "milliseconds")
        plots.lines("growth-backlog", "Event accepted", *labels, {"median": points}, logarithmic=True)


def _fill(database: Path, backlog: int) -> None:
    """Notifications that wait, one second apart."""
    with closing(sqlite3.connect(database)) as db, db:
        db.execute(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)"
            " INSERT INTO outbox (channel, delivery_key, message, summary, state, run_at, created_at)"
            " SELECT 'dev-notifications', 'gitlab:' || hex(randomblob(16)), ?, 'queued', 'ready', ? + n, ? + n"
            " FROM numbers WHERE ?",
            (backlog, '{"text": "' + "x" * 1000 + '"}', *[time.time() - backlog] * 2, backlog > 0),
        )


def _answers(relay: Relay, first: int) -> list[float]:
    """Milliseconds until the answer, for one event after the other."""
    took = []
    for number in range(first, first + _EVENTS):
        begun = time.monotonic()
        assert events.send(relay, events.issue(number)).status_code == 200
        took.append((time.monotonic() - begun) * 1000)
    return took


def _routes(home: Path) -> Iterator[Row]:
    points: Points = []
    with mattermost("dev-notifications") as sink:
        for number in _ROUTES:
            others = '[[routes]]\nprojects = ["elsewhere-{}/*"]\nchannels = ["dev-notifications"]\n'
            settings = "".join(others.format(each) for each in range(number - 1))
            last = '[[routes]]\nevents = ["issue"]\nchannels = ["dev-notifications"]\n'
            with gitlab_relay(home / f"{number}", sink, settings + last) as relay:
                median = statistics.median(_posts(relay, sink))
            points.append((number, median))
            yield (
                f"event of GitLab to post with {number:,} routes, median of {_EVENTS}",
                f"{median:.1f} ms",
                "",
            )
    plots.lines(
        "growth-routes", "Event to post", "routes", "milliseconds", {"median": points}, logarithmic=True
    )


def _posts(relay: Relay, sink: Sink) -> Iterator[float]:
    """Milliseconds until the post, for one event after the other."""
    for number in range(_EVENTS):
        known, begun = len(sink.posts), time.monotonic()
        assert events.send(relay, events.issue(number)).status_code == 200
        wait_for(lambda known=known: len(sink.posts) > known)  # type: ignore[misc]
        yield (sink.posts[-1].at - begun) * 1000


def _trees(home: Path) -> Iterator[Row]:
    looks: Points = []
    memories: Points = []
    delays: Points = []
    for count in _TREES:
        tree = home / f"{count}" / "Documents_RH"
        trees.make(tree, count)
        with (
            mattermost("rh-alerts") as sink,
            trees.watching(home / f"relay{count}", sink, tree, "burst_from = 0") as (relay, seconds),
        ):
            delay = statistics.median(trees.latencies(sink, tree, _EVENTS))
            memory = resident_megabytes(relay.pid)
        looks.append((count, seconds))
        memories.append((count, memory))
        delays.append((count, delay))
        figures = f"{seconds:.2f} s, {memory:.0f} MB, {delay:.1f} ms"
        yield f"{count:,} documents: first look from the start on, memory, upload to post", figures, ""
    plots.lines("growth-tree-look", "First look, from the start on", "documents", "seconds", {"": looks})
    plots.lines("growth-tree-memory", "Memory of the Nextcloud relay", "documents", "MB", {"": memories})
    plots.lines(
        "growth-tree-post", "Completed upload to post", "documents", "milliseconds", {"median": delays}
    )
