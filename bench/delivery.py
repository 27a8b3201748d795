"""How long an event or a document takes to its message, and what the relays cost while they wait."""

import re
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench import trees
from bench.load import SIGNING_TOKEN
from bench.processes import processor_seconds, resident_megabytes
from bench.report import Row
from tests.relays import events
from tests.relays.bot_sink import BotSink
from tests.relays.conversations import Said, Speaker, write
from tests.relays.process import Relay, wait_for
from tests.relays.sink import OK, Reply, Sink

TITLE = "From the event to the message"
INTRODUCTION = (
    "The real relays as processes, trees on a local disk, a Mattermost that answers at once, no lookup of the"
    " uploader. Times end when Mattermost has the post."
)
PACKAGES = ("watchdog", "httptools", "requests")

_ONE_BY_ONE = 200
# Into one channel, each third of which changes a root alone; and what a real 5.37 takes for a post (measured).
_POSTED = 2000
_CONVERSATIONS = 50
_POST_SECONDS = 0.012
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
        hooks = stack.enter_context(mattermost("dev-notifications"))
        gitlab = stack.enter_context(gitlab_relay(home / "gitlab", hooks))
        yield from _spread("event of GitLab to post", _events(gitlab, hooks), "under 100 ms")
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

        for settings, how in (("digest_from = 0", "each by itself"), ("", "as digests")):
            yield from _throughput(home / f"throughput{settings[:6]}", settings, how)

        idle = {"Nextcloud relay with 50,000 documents": large[0], "GitLab relay": gitlab}
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


def _throughput(home: Path, settings: str, how: str) -> Iterator[Row]:
    """How much one channel takes by the webhook and as a bot, which makes threads and edits their roots."""
    what = f"{_POSTED:,} events of {_CONVERSATIONS} conversations in one channel, {how}"
    rates = {way: _POSTED / _post_all(home / way, settings, way) for way in ("webhook", "bot")}
    for way, rate in rates.items():
        yield f"{what}, {way}", f"{rate:,.0f}/s", ""
    # Of a digest of fifty conversations, a bot makes fifty threads.
    bar = "" if how == "as digests" else "at least 1"
    yield f"{what}, bot over webhook", f"{rates['bot'] / rates['webhook']:.2f} x", bar


def _post_all(home: Path, settings: str, way: str) -> float:
    """The seconds until all that is said at once is posted, and each root shows its last state."""
    home.mkdir(parents=True)
    sink = BotSink("dev")
    sink.seconds = _POST_SECONDS
    news = home / "news"
    news.touch()
    (home / "relay").mkdir()
    relay = Speaker(home / "relay", sink.hook_url, news, sink.bot, settings)
    if way == "webhook":
        relay.by_webhook()
    relay.start()
    started = time.monotonic()
    write(news, (_said(number) for number in range(_POSTED)))
    wait_for(lambda: relay.count("outbox WHERE state = 'done'") == _POSTED, 300)
    if way == "bot":
        wait_for(lambda: relay.settled(_POSTED), 60)
    took = time.monotonic() - started
    relay.terminate()
    relay.close()
    sink.stop()
    return took


def _said(number: int) -> Said:
    name = f"taaf/passerelle!{number % _CONVERSATIONS}"
    is_first = number < _CONVERSATIONS
    says = None if is_first or number % 3 == 0 else f"news {number}"
    return Said(f"e-{number}", says, f"state {number} of {name}", name)


def _events(relay: Relay, sink: Sink) -> list[float]:
    """Milliseconds from the start of a delivery by GitLab to the arrival of the post, one after the other."""
    measured = []
    for number in range(_ONE_BY_ONE):
        begun = time.monotonic()
        assert events.send(relay, events.issue(number)).status_code == 200
        wait_for(lambda number=number: len(sink.posts) > number)  # type: ignore[misc]
        measured.append((sink.posts[-1].at - begun) * 1000)
    return measured


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
