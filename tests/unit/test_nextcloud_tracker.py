"""What the tracker makes of what it finds, where processes cannot show it, and when documents go out together."""

import itertools
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relays.sources.nextcloud.backend import Disk
from relays.sources.nextcloud.burst_control import (
    LONGEST_SECONDS,
    QUIET_SECONDS,
    WINDOW_SECONDS,
    BurstControl,
)
from relays.sources.nextcloud.changes import Kind
from relays.sources.nextcloud.index import Index
from relays.sources.nextcloud.options import Discretion, TreeOptions
from relays.sources.nextcloud.tables import NEXTCLOUD
from relays.sources.nextcloud.timer_queue import TimerQueue
from relays.sources.nextcloud.tracker import Tracker
from relays.storage.sqlite import SQLite
from relays.storage.store import Store


class Watched:
    """A tree of one document, `a.pdf`, that is known, its tracker, and clocks that only `later` moves."""

    def __init__(self, root: Path, state: Path) -> None:
        self.root = root
        self.now = 0.0
        root.mkdir()
        (root / "a.pdf").write_bytes(b"always there")
        self.timers = TimerQueue(lambda: self.now)
        self.index = Index(Store(SQLite(state / "relay.db", NEXTCLOUD)), str(root))
        self.tracker = Tracker(Disk(str(root)), self.index, self.timers, lambda: 4e9 + self.now)
        list(self.tracker.record(5e9))

    def later(self, seconds: float = 60.0) -> list[tuple[Kind, str]]:
        """What is announced after a while in which all that was heard has been looked at."""
        self.now += seconds
        self.timers.run()
        self.tracker.forget()
        return [(news.kind, news.path) for news in self.tracker.take_news()]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """A tree that is watched."""
    (tmp_path / "state").mkdir()
    return Watched(tmp_path / "tree", tmp_path / "state")


def test_what_is_not_announced_is_not_known(watched: Watched) -> None:
    """So that a kill before it is announced loses nothing."""
    (watched.root / "b.pdf").write_bytes(b"b")
    watched.tracker.look("b.pdf", closed=True)
    (watched.root / "a.pdf").write_bytes(b"changed")
    watched.tracker.scan()
    before = watched.index.get("a.pdf")
    assert set(watched.tracker.ready()) == {"a.pdf", "b.pdf"}
    assert watched.index.get("b.pdf") is None
    assert [news.kind for news in watched.tracker.take_news(["b.pdf"])] == [Kind.NEW]
    assert watched.index.get("b.pdf") is not None
    assert watched.index.get("a.pdf") == before
    assert watched.later() == [(Kind.VERSION, "a.pdf")]
    assert watched.later() == []


def test_a_document_in_a_folder_that_cannot_be_read_is_not_gone(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> os.stat_result:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as closed:
        closed.setattr(os, "lstat", refuse)
        watched.tracker.look("a.pdf")
        assert watched.later() == []
    assert watched.index.get("a.pdf") is not None
    (watched.root / "a.pdf").unlink()
    watched.tracker.look("a.pdf")
    assert watched.later() == [(Kind.DELETED, "a.pdf")]


def test_a_rename_of_which_only_the_end_is_found_by_a_scan_deletes_nothing(watched: Watched) -> None:
    (watched.root / "a.pdf").rename(watched.root / "b.pdf")
    watched.tracker.look("a.pdf")
    watched.tracker.scan()
    assert watched.later() == []
    assert watched.index.get("b.pdf") is not None


def test_a_document_renamed_before_it_is_announced_is_announced_once(
    watched: Watched, tmp_path: Path
) -> None:
    (tmp_path / "b.pdf").write_bytes(b"b")
    (tmp_path / "b.pdf").rename(watched.root / "b.pdf")
    watched.tracker.look("b.pdf", closed=True, moved_from="")
    (watched.root / "b.pdf").rename(watched.root / "c.pdf")
    watched.tracker.look("c.pdf", closed=True, moved_from="b.pdf")
    watched.tracker.look("b.pdf")
    assert watched.later() == [(Kind.MOVED_IN, "c.pdf")]


# The names that a document, or the folder it is in, goes through.
CHAINS = [
    ["a.pdf", "b.pdf", "c.pdf"],
    ["a.pdf", "b.pdf", "c.pdf", "a.pdf"],
    ["a.pdf", ".aside.tmp", "c.pdf"],
    ["a.pdf", "b.pdf", "c.pdf", "a.pdf", "b.pdf", "c.pdf", "a.pdf"],
    ["folder", "other", "third"],
    ["folder", "other", "folder"],
]


@pytest.mark.parametrize("seen_first", [False, True])
@pytest.mark.parametrize("lag", range(5))
@pytest.mark.parametrize("chain", CHAINS, ids="-".join)
def test_a_document_that_is_renamed_faster_than_it_is_looked_at_stays_the_same(
    watched: Watched, chain: list[str], lag: int, seen_first: bool
) -> None:
    """Each rename is looked at when so many more have followed it, and the document is written to at last.

    Where it was renamed to first it may be seen in time.
    """
    is_folder = chain[0] == "folder"
    inside = "/a.pdf" if is_folder else ""
    if is_folder:
        (watched.root / "folder").mkdir()
        (watched.root / "a.pdf").rename(watched.root / "folder/a.pdf")
        watched.tracker.look("folder/a.pdf", moved_from="a.pdf")
        watched.tracker.look("a.pdf")
        assert watched.later() == []
    known = watched.index.get(chain[0] + inside)
    heard: list[tuple[str, str]] = []

    def look(left: int) -> None:
        while len(heard) > left:
            source, target = heard.pop(0)
            watched.tracker.look(target, moved_from=source)
            watched.tracker.look(source)

    for number, (source, target) in enumerate(itertools.pairwise(chain)):
        (watched.root / source).rename(watched.root / target)
        heard.append((source, target))
        look(0 if seen_first and number == 0 else lag)
    (watched.root / (chain[-1] + inside)).write_bytes(b"another content")
    look(0)
    watched.tracker.look(chain[-1] + inside, closed=True)
    assert watched.later() == [(Kind.VERSION, chain[-1] + inside)]
    now = watched.index.get(chain[-1] + inside)
    assert known is not None
    assert now is not None
    assert now.inode == known.inode
    assert watched.later() == []


# Where the document `1/2/a.pdf` is renamed to, or a folder that it is in by then, one after the other.
RENAMES = {
    "itself": lambda path: (path, f"{path.rpartition('/')[0]}/{len(path)}.pdf"),
    "its folder": lambda path: (path.rpartition("/")[0], f"{path.rpartition('/')[0]}x"),
    "the outer folder": lambda path: (path.split("/")[0], f"{path.split('/')[0]}y"),
    "into another folder": lambda path: (path, f"else/{len(path)}.pdf"),
    "its folder into another one": lambda path: (path.rpartition("/")[0], f"else/{len(path)}"),
}
ORDERS = [order for length in (1, 2, 3) for order in itertools.product(RENAMES, repeat=length)]


@pytest.mark.parametrize("lag", [0, 1, 9])
@pytest.mark.parametrize("order", ORDERS, ids=", ".join)
def test_a_document_stays_the_same_in_whichever_order_it_and_its_folders_are_renamed(
    watched: Watched, order: tuple[str, ...], lag: int
) -> None:
    """Each rename is looked at when so many more have followed it, and the document is written to at last."""
    root, path = watched.root, "1/2/a.pdf"
    (root / "1/2").mkdir(parents=True)
    (root / "else").mkdir()
    (root / "a.pdf").rename(root / path)
    watched.tracker.look(path, moved_from="a.pdf")
    watched.tracker.look("a.pdf")
    assert watched.later() == []
    known = watched.index.get(path)
    heard: list[tuple[str, str, bool]] = []

    def look(left: int) -> None:
        while len(heard) > left:
            source, target, is_folder = heard.pop(0)
            if is_folder:
                watched.tracker.look_below(target, moved_from=source)
                watched.tracker.look_below(source)
            else:
                watched.tracker.look(target, moved_from=source)
                watched.tracker.look(source)

    for each in order:
        source, target = RENAMES[each](path)
        if source in (".", "") or target.startswith(f"{source}/"):
            continue
        heard.append((source, target, (root / source).is_dir()))
        (root / target).parent.mkdir(exist_ok=True)
        (root / source).rename(root / target)
        path = target + path.removeprefix(source)
        look(lag)
    (root / path).write_bytes(b"another content")
    look(0)
    watched.tracker.look(path, closed=True)
    assert watched.later() == [(Kind.VERSION, path)]
    now = watched.index.get(path)
    assert known is not None
    assert now is not None
    assert now.inode == known.inode
    assert watched.later() == []


def test_a_name_that_is_made_anew_is_another_document_whatever_was_renamed_to_it(watched: Watched) -> None:
    """Its number may be that of the one before, which the file system uses again."""
    root, aside = watched.root, watched.root / ".aside.tmp"
    (root / "a.pdf").rename(aside)
    number = aside.stat().st_ino
    for _ in range(50):
        aside.unlink()
        aside.write_bytes(b"another document")
        if aside.stat().st_ino == number:
            break
    else:
        pytest.skip("the file system gives no number twice")
    aside.rename(root / "b.pdf")
    watched.tracker.look(".aside.tmp", moved_from="a.pdf")
    watched.tracker.look("a.pdf")
    watched.tracker.look(".aside.tmp")
    watched.tracker.look(".aside.tmp", created=True)
    watched.tracker.look("b.pdf", moved_from=".aside.tmp")
    assert sorted(watched.later()) == [(Kind.DELETED, "a.pdf"), (Kind.NEW, "b.pdf")]


def test_a_version_that_is_renamed_before_it_is_announced_is_one(watched: Watched) -> None:
    (watched.root / "new").write_bytes(b"replaced, which makes it another file")
    (watched.root / "new").rename(watched.root / "a.pdf")
    watched.tracker.look("a.pdf", closed=True, moved_from="new.tmp")
    (watched.root / "a.pdf").rename(watched.root / "b.pdf")
    watched.tracker.look("b.pdf", closed=True, moved_from="a.pdf")
    watched.tracker.look("a.pdf")
    assert watched.later() == [(Kind.VERSION, "b.pdf")]


class Clock:
    """A clock that only the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_documents_that_come_one_by_one_are_announced_at_once() -> None:
    clock = Clock()
    pace = BurstControl(TreeOptions(tree="/RH", burst_from=3), clock)
    for number in range(20):
        clock.now += WINDOW_SECONDS / 2
        assert pace.due([f"{number}.pdf"]) == ([f"{number}.pdf"], [])


def test_a_burst_waits_for_its_end_but_not_for_long() -> None:
    clock = Clock()
    pace = BurstControl(TreeOptions(tree="/RH", burst_from=3), clock)
    assert pace.due(["1", "2"]) == (["1", "2"], [])
    assert pace.due(["3"]) == ([], [])
    clock.now += QUIET_SECONDS / 2
    assert pace.due(["3", "4"]) == ([], [])
    clock.now += QUIET_SECONDS / 2
    assert pace.due(["3", "4"]) == ([], [])
    clock.now += QUIET_SECONDS / 2
    assert pace.due(["3", "4"]) == ([], ["3", "4"])
    waiting: list[str] = []
    for seconds in range(100):
        waiting.append(str(seconds))
        if pace.due(waiting)[1]:
            break
        clock.now += 1
    assert seconds == LONGEST_SECONDS
    # A stream that does not end stays a burst.
    assert pace.due(["next"]) == ([], [])
    clock.now += QUIET_SECONDS
    assert pace.due(["next"]) == ([], ["next"])


def test_what_may_only_be_counted_waits_whatever_its_number() -> None:
    clock = Clock()
    pace = BurstControl(
        TreeOptions(tree="/RH", folder_discretion={"paie": Discretion.COUNT}, burst_from=0), clock
    )
    assert pace.due(["paie/1", "2"]) == (["2"], [])
    clock.now += QUIET_SECONDS
    assert pace.due(["paie/1"]) == ([], ["paie/1"])


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=30), st.integers(0, 10))
def test_everything_is_announced_once(steps: list[tuple[int, int]], burst_from: int) -> None:
    clock = Clock()
    pace = BurstControl(
        TreeOptions(tree="/RH", folder_discretion={"c": Discretion.COUNT}, burst_from=burst_from), clock
    )
    waiting: list[str] = []
    announced: list[str] = []
    came = 0
    for seconds, number in [*steps, (60, 0), (60, 0), (60, 0)]:
        clock.now += seconds
        for _ in range(number):
            came += 1
            waiting.append(f"{'c/' if came % 7 == 0 else ''}{came}")
        alone, together = pace.due(waiting)
        announced += [*alone, *together]
        waiting = [path for path in waiting if path not in (*alone, *together)]
    assert len(announced) == len(set(announced)) == came
    assert waiting == []
