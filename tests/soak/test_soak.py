"""Both relays under a steady load, with a Mattermost that goes away now and then: nothing of them grows.

What was delivered is kept for two weeks, so that duplicates are refused, and the spool grows for as long. To see it
stop growing, the relays' clock is put forward by a day ninety times in a run: the two weeks are over after a sixth
of it, and what is compared (the medians of the second and of the last fifth) lies behind that.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median

from tests.faults.clock import Clock
from tests.faults.ledger import Ledger
from tests.faults.traffic import ROUTES, Documents, Events
from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink

SECONDS = 60 * float(os.environ.get("MINUTES", "30"))
DAYS = 90
_SAMPLE_SECONDS = 1.0
_EVENT_SECONDS = 0.4  # in each of four projects
_DOCUMENT_SECONDS = 0.5
_KEPT_DOCUMENTS = 300
_AWAY_EVERY, _AWAY_SECONDS = 60.0, 5.0
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Sample:
    """What a process has at a moment: bytes of memory, descriptors, threads, bytes of its spool."""

    memory: float
    descriptors: float
    threads: float
    spool: float


# What a median may differ by without being growth, as a share and as an amount.
TOLERANCE = {"memory": (0.03, _MIB), "descriptors": (0, 3), "threads": (0, 2), "spool": (0.1, _MIB / 4)}


def sample(relay: Relay) -> Sample:
    """What the process has now."""
    process = Path(f"/proc/{relay.pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return Sample(
        int(status["VmRSS"].split()[0]) * 1024,
        len(list((process / "fd").iterdir())),
        int(status["Threads"]),
        sum(file.stat().st_size for file in relay.state.glob("relay.db*")),
    )


def growth(name: str, samples: list[Sample]) -> Iterator[str]:
    """What has grown, named with its medians; prints all of them."""
    fifth = len(samples) // 5
    for index, field in enumerate(fields(Sample)):
        values = [astuple(each)[index] for each in samples]
        second, last = median(values[fifth : 2 * fifth]), median(values[-fifth:])
        share, amount = TOLERANCE[field.name]
        unit, divisor = ("", 1) if field.name in ("descriptors", "threads") else (" MiB", _MIB)
        line = (
            f"{name} {field.name}: {second / divisor:.1f}{unit} in the second fifth, "
            f"{last / divisor:.1f}{unit} in the last, {max(values) / divisor:.1f}{unit} at most"
        )
        print(line, flush=True)
        if last > second * (1 + share) + amount:
            yield line


def tidy(tree: Path) -> None:
    """Leave the newest documents only: a tree that grows is a reason for an index to grow."""
    documents = sorted(tree.rglob("document-*.pdf"), key=lambda path: int(path.stem.partition("-")[2]))
    for document in documents[:-_KEPT_DOCUMENTS]:
        document.unlink()


def test_nothing_grows(
    gitlab_with: Callable[[str], Relay],
    one_by_one: Relay,
    tree: Path,
    listener: socket.socket,
    sink: Sink,
    ledger: Ledger,
    clock: Clock,
) -> None:
    gitlab = gitlab_with(ROUTES)
    gitlab.start(listener=listener, through=clock.through)
    one_by_one.start(through=clock.through)
    wait_for(lambda: "watching tree" in one_by_one.text)
    samples: dict[Relay, list[Sample]] = {gitlab: [], one_by_one: []}
    begun = time.monotonic()
    away = False
    with (
        Events(listener.getsockname()[1], sink, pause=_EVENT_SECONDS) as events,
        Documents(tree, sink, pause=_DOCUMENT_SECONDS) as documents,
    ):
        while (passed := time.monotonic() - begun) < SECONDS:
            clock.jump(f"+{int(passed / SECONDS * DAYS)}d")
            if away != (passed % _AWAY_EVERY > _AWAY_EVERY - _AWAY_SECONDS):
                away = not away
                (sink.stop if away else sink.start)()
            tidy(tree)
            for relay, taken in samples.items():
                assert not relay.ended
                taken.append(sample(relay))
            time.sleep(_SAMPLE_SECONDS)
        if away:
            sink.start()
    grown = [
        *growth("GitLab relay", samples[gitlab]),
        *growth("Nextcloud relay", samples[one_by_one]),
    ]
    ledger.settle("GitLab relay: steady load", events)
    ledger.settle("Nextcloud relay: steady load", documents)
    assert not grown
