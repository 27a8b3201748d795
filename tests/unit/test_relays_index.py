"""The index of known documents: what it finds again, in memory and after a restart."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from relays.nextcloud.index import Index
from relays.nextcloud.tables import NEXTCLOUD
from relays.nextcloud.tree import Stat
from relays.sqlite import SQLite
from relays.store import Store

PATHS = ["a.pdf", "x/b.pdf", "x/y/c.pdf", "x/y/z/d.pdf", "x 2/e.pdf", "x.d/f.pdf", "x0/g.pdf", "é/h.pdf"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(SQLite(tmp_path / "relay.db", NEXTCLOUD))
    store.start()
    yield store
    store.stop()
    store.join()
    store.close()


def test_the_documents_below_a_folder_whatever_its_neighbours_are_called(store: Store) -> None:
    index = Index(store, "tree")
    for inode, path in enumerate(PATHS):
        index.put(path, Stat(inode, 1, 2, 3))
    assert sorted(index.below("x")) == ["x/b.pdf", "x/y/c.pdf", "x/y/z/d.pdf"]
    assert sorted(index.below("")) == sorted(PATHS)
    assert list(index.below("gone")) == []
    index.remove("x/b.pdf")
    index.remove("x/y/c.pdf")
    assert list(index.below("x")) == ["x/y/z/d.pdf"]
    assert len(index) == len(PATHS) - 2


def test_all_is_found_again_after_a_restart(store: Store) -> None:
    index = Index(store, "tree")
    paths = [*PATHS, *(f"many/{number}.pdf" for number in range(2500))]
    for inode, path in enumerate(paths):
        index.put(path, Stat(inode, 1, 2, 3))
    store.submit(index.apply).result()
    again = Index(store, "tree")
    assert not again.is_new
    assert sorted(again.below("")) == sorted(paths)
    assert [again.path_of(inode) for inode in range(len(paths))] == paths
    assert len(Index(store, "another")) == 0


def seen(inode: int) -> Stat:
    """A document with that inode; all of them are alike otherwise, as clients may set the date."""
    return Stat(inode, 4, 1_577_836_800_000_000_000, 0)


def test_an_inode_leads_to_the_document_that_has_it_now(store: Store) -> None:
    index = Index(store, "tree")
    index.put("a", seen(1))
    index.put("a", seen(2))
    assert (index.path_of(1), index.path_of(2)) == (None, "a")
    index.put("b", seen(1))
    assert (index.path_of(1), index.path_of(2)) == ("b", "a")


def test_an_inode_that_has_gone_on_to_another_document_stays_with_it(store: Store) -> None:
    index = Index(store, "tree")
    index.put("a", seen(1))
    index.put("b", seen(1))
    index.put("a", seen(3))
    assert index.path_of(1) == "b"
    index.remove("a")
    assert (index.path_of(1), index.path_of(3)) == ("b", None)
