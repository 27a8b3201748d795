"""How many events a second the GitLab relay takes, against servers that do less for them."""

import json
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import load, plots
from bench.delivery import gitlab_relay, mattermost
from bench.load import Load
from bench.ports import free_port, wait_for_port
from bench.report import Row
from lab.engine import need
from tests.relays.process import PROJECT, TOKEN, Relay, stored, undelivered, wait_for

TITLE = "Events accepted"
INTRODUCTION = (
    "A new connection for each event, as GitLab makes it, 32 at a time, over the loopback by one thread of wrk on the"
    " same cores: a new issue of 3.4 kB, signed, with an id of its own. The relay is one process as deployed: it"
    " checks token and signature, has the event on the disk (fsync) before it answers, and processes as far as a flood"
    " leaves it time, the rest afterwards. The"
    " synchronous relay posts to Mattermost before it answers, in one thread, as the scripts do that are passed around"
    " for this; its Mattermost, and the relay's, takes 10 ms for a post, or none. uvicorn answers 200 to everything"
    " and stores nothing, on uvloop and httptools as `uvicorn app:app` chooses if they are installed, and on asyncio"
    " and h11; the relay's own server does the same after its checks. `webhook` is Debian's, checks the token and runs"
    " `true`. All are up at the same time and loaded in turn, several rounds; medians of the rounds. Latencies are from"
    " the connection to the answer."
)
PACKAGES = ("uvicorn", "uvloop", "httptools", "h11", "requests")

_ROUNDS = 3
_SECONDS = 4.0
_MATTERMOST_SECONDS = 0.010
# All events of a load are the same, under keys of their own: each is to be announced.
_SETTINGS = "[mute]\nechoes = false\n"

_RELAY = "relay"
_BARE = "bare uvicorn, uvloop and httptools"
_UNSTORED = "the relay's server, storing nothing"
_SYNCHRONOUS = "synchronous relay, Mattermost in 10 ms"


def measure(home: Path) -> Iterator[Row]:
    """The relay first, then the others by their rates."""
    need({"wrk": "wrk", "webhook": "webhook"})
    with ExitStack() as stack:
        slow = stack.enter_context(mattermost("dev-notifications", _MATTERMOST_SECONDS))
        fast = stack.enter_context(mattermost("dev-notifications"))
        relay = stack.enter_context(gitlab_relay(home / "relay", slow, _SETTINGS))
        servers = {
            _RELAY: relay.port,
            _BARE: stack.enter_context(_uvicorn()),
            _UNSTORED: stack.enter_context(_unstored(relay)),
            "bare uvicorn, asyncio and h11": stack.enter_context(_uvicorn("--loop=asyncio", "--http=h11")),
            "webhook that runs true": stack.enter_context(_webhook(home)),
            "synchronous relay, Mattermost in 0 ms": stack.enter_context(_synchronous(fast.url)),
            _SYNCHRONOUS: stack.enter_context(_synchronous(slow.url)),
        }
        loads: dict[str, list[Load]] = defaultdict(list)
        for _ in range(_ROUNDS):
            for name, port in servers.items():
                load.prepare(home, _SECONDS)
                loads[name].append(load.run(home, port, _SECONDS))
                if name == _RELAY:
                    # What it has yet to process must not slow the others down.
                    wait_for(lambda: undelivered(relay) == 0, 120)
        kept, answered = len(stored(relay)), sum(each.answers for each in loads[_RELAY])
    assert kept >= answered, f"{answered} events were answered 200 and {kept} are on the disk"

    rates = {name: statistics.median(each.rate for each in loads[name]) for name in servers}
    slowest = {name: statistics.median(each.p99_ms for each in loads[name]) for name in servers}
    for name, rate in rates.items():
        yield f"{name}: events a second", f"{rate:,.0f}", ""
    yield "relay / synchronous relay", f"{rates[_RELAY] / rates[_SYNCHRONOUS]:.0f} ×", "at least 40 ×"
    yield f"relay / {_BARE}", f"{rates[_RELAY] / rates[_BARE]:.2f} ×", "at least 1 ×"
    yield "relay / its server, storing nothing", f"{rates[_RELAY] / rates[_UNSTORED]:.2f} ×", ""
    yield "relay: median latency", f"{statistics.median(each.median_ms for each in loads[_RELAY]):.1f} ms", ""
    yield "relay: p99 of the latency", f"{slowest[_RELAY]:.1f} ms", "at most 20 ms"
    yield f"{_BARE}: p99 of the latency", f"{slowest[_BARE]:.1f} ms", ""
    yield "events answered 200 and not on the disk", "0", "0"
    plots.bars("accept-rates", "Events accepted", "events a second", rates)


@contextmanager
def _serving(command: Sequence[object], port: int) -> Iterator[int]:
    process = subprocess.Popen(
        [str(part) for part in command], cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for_port(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def _uvicorn(*options: str) -> Iterator[int]:
    port = free_port()
    command = (
        sys.executable,
        "-m",
        "uvicorn",
        "bench.baselines.bare:app",
        "--port",
        port,
        "--log-level=warning",
        *options,
    )
    with _serving(command, port):
        yield port


@contextmanager
def _unstored(relay: Relay) -> Iterator[int]:
    port = free_port()
    command = (sys.executable, "-m", "bench.baselines.unstored", relay.home / "credentials", port)
    with _serving(command, port):
        yield port


@contextmanager
def _synchronous(hook_url: str) -> Iterator[int]:
    port = free_port()
    with _serving((sys.executable, "-m", "bench.baselines.synchronous", port, hook_url), port):
        yield port


@contextmanager
def _webhook(home: Path) -> Iterator[int]:
    source = {"source": "header", "name": "X-Gitlab-Token"}
    rule = {"match": {"type": "value", "value": TOKEN, "parameter": source}}
    hooks = [{"id": "gitlab", "execute-command": "/bin/true", "trigger-rule": rule}]
    (home / "hooks.json").write_text(json.dumps(hooks))
    port = free_port()
    command = (
        "webhook",
        "-hooks",
        home / "hooks.json",
        "-ip",
        "127.0.0.1",
        "-port",
        port,
        "-urlprefix",
        "webhook",
    )
    with _serving(command, port):
        yield port
