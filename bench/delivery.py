"""How long an event or a document takes to its message, and what the relays cost while they wait."""

import re
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench import trees, ways
from bench.load import SIGNING_TOKEN
from bench.processes import processor_seconds, resident_megabytes
from bench.report import Row
from tests.relays.process import Relay, wait_for
from tests.relays.sink import OK, Reply, Sink

TITLE = "From the event to the message"
INTRODUCTION = (
    "The real relays as processes, trees on a local disk, a Mattermost that answers at once, no lookup of the"
    " uploader. Times end when Mattermost has the post. How much one channel takes: of what comes in at once, with a"
    " Mattermost that takes 12 ms for a post, until the last post is made, and as a bot until each root shows its last"
    " state; webhook and bot in turn, medians of three rounds."
)
PACKAGES = ("watchdog", "httptools", "requests")

_ONE_BY_ONE = 200
_MOVED = 5000
# The small tree announces each document by itself, however many there are.
_TREES = {1000: "burst_from = 0", 10_000: "", 50_000: ""}
# It holds two scans of the whole tree, one in each minute.
_IDLE_SECONDS = 120.0


def measure(home: Path) -> Iterator[Row]:
    """Both relays, then what they cost while nothing happens."""
    with ExitStack() as stack:
        relays = {}
        for count, settings in _TREES.items():
            sink = stack.enter_context(mattermost("rh-alerts"))
            tree = home / f"{count}" / "Documents_RH"
            trees.make(tree, count)
            relay, seconds = stack.enter_context(trees.watching(home / f"relay{count}", sink, tree, settings))
            relays[count] = relay, sink, tree
            yield f"first look at {count:,} documents, start of the process included", f"{seconds:.2f} s", ""
        gitlab = stack.enter_context(ways.gitlab_relays(home / "gitlab"))
        yield from ways.latencies(gitlab)
        small, middle, large = relays.values()
        took = trees.latencies(*small[1:], uploads=_ONE_BY_ONE)
        yield from _spread("completed upload to post", took, "under 100 ms")
        for name, place in {"one by one": small, "by folder": middle}.items():
            seconds, posts = _move_in(*place, home / "lot")
            yield (
                f"{_MOVED:,} documents moved in at once, all announced {name}",
                f"{seconds:.1f} s, {posts} posts",
                "",
            )

        yield from ways.throughput(home / "throughput")

        idle = {"Nextcloud relay with 50,000 documents": large[0]}
        idle |= {f"GitLab relay, {way}": relay for way, (relay, _) in gitlab.items()}
        since, used = time.monotonic(), {name: processor_seconds(relay.pid) for name, relay in idle.items()}
        time.sleep(_IDLE_SECONDS)
        for name, relay in idle.items():
            share = (processor_seconds(relay.pid) - used[name]) / (time.monotonic() - since)
            yield f"{name}, idle, of one core", f"{share:.2%}", "under 1%"
            yield f"{name}, memory", f"{resident_megabytes(relay.pid):.0f} MB", "under 80 MB"


@contextmanager
def mattermost(channel: str, seconds: float = 0.0) -> Iterator[Sink]:
    """A Mattermost with this channel that takes so long for a post."""
    sink = Sink()
    sink.channels.add(channel)

    def behave(payload: dict[str, Any]) -> Reply:
        time.sleep(seconds)
        return OK

    if seconds:
        sink.behave = behave
    try:
        yield sink
    finally:
        sink.stop()


@contextmanager
def gitlab_relay(home: Path, sink: Sink, settings: str = "") -> Iterator[Relay]:
    """The GitLab relay on a port of its own; it takes signatures."""
    home.mkdir()
    relay = Relay("gitlab", home, sink.url, f'{settings}\n[listen]\naddress = "127.0.0.1"\nport = 0\n')
    (home / "credentials" / "gitlab-signing-token").write_text(f"{SIGNING_TOKEN}\n")
    relay.start()
    try:
        yield relay
    finally:
        relay.terminate()
        relay.close()


def _move_in(relay: Relay, sink: Sink, tree: Path, source: Path) -> tuple[float, int]:
    """The seconds until a folder of documents that is moved in is announced, and the number of posts."""
    known, posts = _announced(relay), len(sink.posts)
    trees.make(source, _MOVED)
    started = time.monotonic()
    subprocess.run(["mv", source, tree / "lot"], check=True)
    wait_for(lambda: _announced(relay) >= known + _MOVED, 120)
    keys = set(re.findall(r"announced key=(\S+) ", relay.text))
    wait_for(lambda: set(sink.keys) >= keys, 120)
    return sink.posts[-1].at - started, len(sink.posts) - posts


def _announced(relay: Relay) -> int:
    """How many documents the relay has stored notifications of, alone or together."""
    counts = re.findall(r"announced key=\S+ kind=\S+ (?:path=|folder=.* documents=(\d+))", relay.text)
    return sum(int(documents or 1) for documents in counts)


def _spread(what: str, took: list[float], bar: str) -> Iterator[Row]:
    yield f"{what}, median of {len(took)}", f"{statistics.median(took):.1f} ms", bar
    yield f"{what}, p95 of {len(took)}", f"{statistics.quantiles(took, n=20)[-1]:.1f} ms", ""
