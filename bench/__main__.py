"""python -m bench: what the Nextcloud relay costs and how fast it is, on this machine, into docs/benchmarks.md.

The real relay as a process, a tree on the disk of the temporary directory, and a Mattermost that answers at once.
"""

import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink

REPORT = Path(__file__).parents[1] / "docs" / "benchmarks.md"
UPLOADS = 200
MOVED = 5000
TREES = (1000, 10_000, 50_000)
# From the first look on: it holds one scan of the whole tree, as each minute of a day does.
IDLE_SECONDS = 65.0

Row = tuple[str, str, str]


def make(root: Path, documents: int) -> None:
    """A tree of documents, a hundred to a folder."""
    for number in range(documents):
        path = root / f"Contrats/{number // 100:04d}/contrat-de-travail-{number:06d}.pdf"
        if number % 100 == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(b"content")


@contextmanager
def watching(home: Path, sink: Sink, tree: Path) -> Iterator[tuple[Relay, float]]:
    """The relay on a tree, and the seconds from its start until it had looked at all of it."""
    home.mkdir()
    relay = Relay("nextcloud", home, sink.url, f'[[trees]]\ntree = "{tree}"\n')
    started = time.monotonic()
    relay.start()
    wait_for(lambda: "watching tree" in relay.text, 120)
    try:
        yield relay, time.monotonic() - started
    finally:
        relay.terminate()
        relay.close()


def processor_seconds(relay: Relay) -> float:
    """What the process has used of a core so far."""
    fields = Path(f"/proc/{relay.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_megabytes(relay: Relay) -> float:
    """What the process has in memory."""
    status = Path(f"/proc/{relay.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def latencies(sink: Sink, tree: Path) -> list[float]:
    """Milliseconds from the rename that completes an upload to the arrival of the post, one upload after the other."""
    measured = []
    for number in range(UPLOADS):
        part = tree / "Contrats" / f"{number:032x}.ocTransferId{number}.part"
        part.write_bytes(b"content" * 1000)
        before = len(sink.posts)
        renamed = time.monotonic()
        part.rename(part.with_name(f"nouveau-{number}.pdf"))
        wait_for(lambda before=before: len(sink.posts) > before)  # type: ignore[misc]
        measured.append((sink.posts[-1].at - renamed) * 1000)
    return measured


def move_in(sink: Sink, tree: Path, source: Path) -> tuple[float, int]:
    """The seconds until a folder of documents that is moved in is told of, and the number of posts."""
    keys, posts = len(sink.keys), len(sink.posts)
    make(source, MOVED)
    started = time.monotonic()
    subprocess.run(["mv", source, tree / "lot"], check=True)
    wait_for(lambda: len(sink.keys) >= keys + MOVED, 120)
    return time.monotonic() - started, len(sink.posts) - posts


def measure(home: Path) -> Iterator[Row]:
    """All measurements, as rows of the table: what, the figure, the bar."""
    with ExitStack() as stack:
        relays = {}
        for count in TREES:
            sink = Sink()
            sink.channels.add("rh-alerts")
            stack.callback(sink.stop)
            tree = home / f"{count}" / "Documents_RH"
            make(tree, count)
            relay, seconds = stack.enter_context(watching(home / f"relay{count}", sink, tree))
            relays[count] = relay, sink, tree
            yield f"first look at {count:,} documents, start of the process included", f"{seconds:.2f} s", ""
        large = relays[TREES[-1]][0]
        since, used = time.monotonic(), processor_seconds(large)

        _, sink, tree = relays[TREES[0]]
        took = latencies(sink, tree)
        yield (
            f"completed upload to post, median of {UPLOADS}",
            f"{statistics.median(took):.1f} ms",
            "under 100 ms",
        )
        yield (
            f"completed upload to post, p95 of {UPLOADS}",
            f"{statistics.quantiles(took, n=20)[-1]:.1f} ms",
            "",
        )
        seconds, posts = move_in(sink, tree, home / "lot")
        yield f"{MOVED:,} documents moved in at once, all told of", f"{seconds:.1f} s, {posts} posts", ""

        time.sleep(max(0.0, IDLE_SECONDS - (time.monotonic() - since)))
        share = (processor_seconds(large) - used) / (time.monotonic() - since)
        yield f"idle with {TREES[-1]:,} documents, of one core", f"{share:.2%}", "under 1%"
        yield f"memory with {TREES[-1]:,} documents", f"{resident_megabytes(large):.0f} MB", "under 80 MB"


def conditions() -> str:
    """The machine, without its name."""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{date.today():%Y-%m-%d}, {os.cpu_count()} cores, {gigabytes:.0f} GB of memory,"
        f" Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}"
    )


def main() -> None:
    """Measure, print, write."""
    lines = [
        "# Benchmarks",
        "",
        "What `make bench` measured; it writes this page. The real relay, a tree on a local disk, a Mattermost that"
        " answers at once, no lookup of the uploader.",
        "",
        conditions(),
        "",
        "## Nextcloud relay",
        "",
        "| what | measured | bar |",
        "| --- | --- | --- |",
    ]
    print("\n".join(lines))
    with tempfile.TemporaryDirectory() as home:
        for row in measure(Path(home)):
            lines.append(f"| {' | '.join(row)} |")
            print(lines[-1], flush=True)
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
