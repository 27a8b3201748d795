"""What whoever may write into a watched tree can put there: links, odd names, and a million documents."""

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink
from tests.relays.test_nextcloud_traces import announced
from tests.security.bounds import MOST_MEGABYTES, Bounds
from tests.security.supervisor import Supervisor

TOLD_SECONDS = 30.0
# TimeoutStartSec is systemd's default.
READY_SECONDS = 90.0
_A_FOLDER = 5000
_LINE = re.compile("announced key=|delivered key=|started|watching tree=")


def start(relay: Relay) -> None:
    """Start the relay and wait until it knows the tree."""
    relay.start(wait=False)
    wait_for(lambda: relay.said("READY=1") and "watching tree" in relay.text, READY_SECONDS)


def put(path: Path) -> None:
    path.write_bytes(b"content")


def counted(relay: Relay) -> int:
    """How many documents were announced, by the log."""
    lines = re.findall(r"announced key=.*", relay.text)
    return sum(int(found[1]) if (found := re.search(r" documents=(\d+)$", line)) else 1 for line in lines)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the tree, with a document."""
    folder = tmp_path / "outside"
    folder.mkdir()
    put(folder / "secret.pdf")
    return folder


def _to_a_folder(tree: Path, outside: Path) -> None:
    (tree / "Contrats" / "link").symlink_to(outside)


def _to_a_document(tree: Path, outside: Path) -> None:
    (tree / "Contrats" / "link.pdf").symlink_to(outside / "secret.pdf")


def _to_itself(tree: Path, outside: Path) -> None:
    (tree / "Contrats" / "link").symlink_to(tree)
    (tree / "Contrats" / "other").symlink_to(tree / "Contrats" / "other")


def _to_devices(tree: Path, outside: Path) -> None:
    for name, target in {"zero": "/dev/zero", "proc": "/proc", "self": "/proc/self/root"}.items():
        (tree / "Contrats" / f"{name}.pdf").symlink_to(target)
    os.mkfifo(tree / "Contrats" / "pipe.pdf")


def _to_nothing(tree: Path, outside: Path) -> None:
    for number in range(1000):
        (tree / "Contrats" / f"{number}.pdf").symlink_to("/nowhere")


def _swapped(tree: Path, outside: Path) -> None:
    folder, away = tree / "Conges", tree.parent / "away"
    for _ in range(200):
        folder.rename(away)
        folder.symlink_to(outside)
        folder.unlink()
        away.rename(folder)


LINKS: dict[str, Callable[[Path, Path], None]] = {
    "a link to a folder outside": _to_a_folder,
    "a link to a document outside": _to_a_document,
    "links in circles": _to_itself,
    "links to devices, and a pipe": _to_devices,
    "1,000 links to nothing": _to_nothing,
    "a folder and a link in turn, 200 times": _swapped,
}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", LINKS)
def test_links(one_by_one: Relay, tree: Path, outside: Path, sink: Sink, bounds: Bounds, name: str) -> None:
    (tree / "Conges").mkdir(exist_ok=True)
    (tree / "Contrats").mkdir(exist_ok=True)
    start(one_by_one)
    with Supervisor(one_by_one) as supervisor:
        LINKS[name](tree, outside)
        put(outside / "later.pdf")
        put(tree / "Contrats" / "after.pdf")
        wait_for(lambda: "Contrats/after.pdf" in announced(one_by_one, sink), TOLD_SECONDS)
    # Nor at the next start, which looks at all of it.
    one_by_one.terminate()
    start(one_by_one)
    put(tree / "Contrats" / "last.pdf")
    wait_for(lambda: "Contrats/last.pdf" in announced(one_by_one, sink), TOLD_SECONDS)
    announcements = announced(one_by_one, sink)
    bounds.exactly(name, "documents announced", ["Contrats/after.pdf", "Contrats/last.pdf"], announcements)
    bounds.exactly(name, "times that the relay ended", 0, supervisor.ends)


def _bytes(number: int) -> bytes:
    # Whatever a name may hold, and nothing that makes it a hidden or a temporary one.
    body = bytes(each for each in secrets.token_bytes(400) if each not in b"/\0")
    return (b"%03d" % number + body)[:250] + b"\xff.pdf"


ODD: dict[str, Callable[[int], bytes]] = {
    "200 names of 255 bytes that are not UTF-8": _bytes,
    "200 names of 255 bytes of 0xff": lambda number: b"%03d" % number + b"\xff" * 252,
    "200 names of 127 lines": lambda number: b"%03d" % number + b"\n#" * 126,
    "200 names of markup": lambda number: (b"%03d" % number + b"`*_[]()<>@all ~town " * 20)[:255],
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", ODD)
def test_odd_names(one_by_one: Relay, tree: Path, sink: Sink, bounds: Bounds, name: str) -> None:
    (tree / "Contrats").mkdir(exist_ok=True)
    start(one_by_one)
    with Supervisor(one_by_one) as supervisor:
        for number in range(200):
            put(tree / "Contrats" / os.fsdecode(ODD[name](number)))
        put(tree / "Contrats" / "after.pdf")
        wait_for(lambda: counted(one_by_one) >= 201, 2 * TOLD_SECONDS)
        wait_for(lambda: one_by_one.text.count("delivered key=") >= 201, 2 * TOLD_SECONDS)
    longest = max(len(str(post.payload)) for post in sink.posts)
    lines = [line for line in one_by_one.text.splitlines() if not _LINE.match(line)]
    bounds.exactly(name, "documents announced", 201, counted(one_by_one))
    bounds.at_most(name, "characters of the longest message", 16_383, longest)
    bounds.exactly(name, "lines of the log that a name made", 0, len(lines))
    bounds.exactly(name, "times that the relay ended", 0, supervisor.ends)
    bounds.at_most(name, "peak memory in MB", MOST_MEGABYTES, one_by_one.peak_megabytes)


def _fill(folder: Path, number: int, make: Callable[[Path], object]) -> None:
    """So many documents, in folders of some thousand."""
    for begin in range(0, number, _A_FOLDER):
        inside = folder / f"{begin:07}"
        inside.mkdir()
        for each in range(begin, min(begin + _A_FOLDER, number)):
            make(inside / f"a document with a name of some length {each:07}.pdf")


@pytest.mark.exhaustive
@pytest.mark.parametrize("number", [20_000, pytest.param(1_000_000, marks=pytest.mark.exhaustive)])
def test_a_tree_of_many_documents(
    nextcloud: Relay, tree: Path, sink: Sink, bounds: Bounds, number: int
) -> None:
    """Those that are there at the start, then some thousand within moments."""
    (tree / "Contrats").mkdir(exist_ok=True)
    _fill(tree / "Contrats", number, os.mknod)
    start(nextcloud)
    flood = 2000
    (tree / "Conges").mkdir(exist_ok=True)
    with Supervisor(nextcloud) as supervisor:
        _fill(tree / "Conges", flood, put)
        put(tree / "Contrats" / "after.pdf")
        wait_for(lambda: counted(nextcloud) > flood, 10 * TOLD_SECONDS)
    attack = f"{number:,} documents, and {flood:,} more at once"
    bounds.exactly(attack, "documents announced", flood + 1, counted(nextcloud))
    bounds.exactly(attack, "times that the relay ended", 0, supervisor.ends)
    bounds.at_most(attack, "peak memory in MB", MOST_MEGABYTES, nextcloud.peak_megabytes)
