"""The index of known documents: what it finds again, in memory and after a restart."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relays.sources.nextcloud.index import Index
from relays.sources.nextcloud.tables import NEXTCLOUD
from relays.sources.nextcloud.tree import Stat
from relays.storage.store import Store
from tests.stores import running_store

PATHS = ["a.pdf", "x/b.pdf", "x/y/c.pdf", "x/y/z/d.pdf", "x 2/e.pdf", "x.d/f.pdf", "x0/g.pdf", "é/h.pdf"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with running_store(tmp_path, None, NEXTCLOUD) as store:
        yield store


def write(store: Store, index: Index, whole: bool = True) -> None:
    """Store what has changed."""
    store.submit(lambda db: index.apply(db, whole)).result()
    index.settled(whole)


def paths(index: Index, folder: str = "") -> list[str]:
    """The paths of the documents below a folder, in their order."""
    return [path for path, _ in index.below(folder)]


def test_the_documents_below_a_folder_whatever_its_neighbours_are_called(store: Store) -> None:
    index = Index(store, "tree")
    for inode, path in enumerate(PATHS):
        index.put(path, Stat(inode, 1, 2, 3))
    assert paths(index, "x") == ["x/b.pdf", "x/y/c.pdf", "x/y/z/d.pdf"]
    assert paths(index) == sorted(PATHS, key=os.fsencode)
    assert paths(index, "gone") == []
    write(store, index)
    index.remove("x/b.pdf")
    index.remove("x/y/c.pdf")
    index.put("x/y/b.pdf", Stat(99, 1, 2, 3))
    assert paths(index, "x") == ["x/y/b.pdf", "x/y/z/d.pdf"]
    assert len(index) == len(PATHS) - 1


def test_changes_while_it_is_read(store: Store) -> None:
    """What is removed does not show, and what is there shows once, also when what changed is written meanwhile."""
    index = Index(store, "tree")
    for number in range(3000):
        index.put(f"{number:04}.pdf", Stat(number, 1, 2, 3))
        if number == 1500:
            write(store, index)
    seen = []
    for path, _ in index.below(""):
        seen.append(path)
        if path == "0010.pdf":
            index.put("0009 moved.pdf", Stat(4000, 1, 2, 3))
            write(store, index)
        if path == "1600.pdf":
            index.remove("1620.pdf")
            index.remove("2990.pdf")
    assert seen == [f"{number:04}.pdf" for number in range(3000) if number not in (1620, 2990)]


def test_a_tree_that_was_looked_at_in_part_is_new(store: Store) -> None:
    index = Index(store, "tree")
    index.add("a.pdf", Stat(1, 1, 2, 3))
    write(store, index, whole=False)
    again = Index(store, "tree")
    assert again.is_new
    assert paths(again) == ["a.pdf"]
    write(store, again)
    assert not Index(store, "tree").is_new


def test_all_is_found_again_after_a_restart(store: Store) -> None:
    index = Index(store, "tree")
    many = [*PATHS, *(f"many/{number}.pdf" for number in range(2500))]
    for inode, path in enumerate(many):
        index.put(path, Stat(inode, 1, 2, 3))
    write(store, index)
    again = Index(store, "tree")
    assert not again.is_new
    assert paths(again) == sorted(many, key=os.fsencode)
    assert [again.path_of(inode) for inode in range(len(many))] == many
    assert len(again) == len(many)
    assert len(Index(store, "another")) == 0


def seen(inode: int) -> Stat:
    """A document with that inode; all of them are alike otherwise, as clients may set the date."""
    return Stat(inode, 4, 1_577_836_800_000_000_000, 0)


@pytest.fixture(params=["in memory", "stored"])
def settle(request: pytest.FixtureRequest, store: Store) -> Callable[[Index], None]:
    """What is done to an index after each step: nothing, or all is stored."""
    return lambda index: write(store, index) if request.param == "stored" else None


def test_an_inode_leads_to_the_document_that_has_it_now(
    store: Store, settle: Callable[[Index], None]
) -> None:
    index = Index(store, "tree")
    index.put("a", seen(1))
    settle(index)
    index.put("a", seen(2))
    settle(index)
    assert (index.path_of(1), index.path_of(2)) == (None, "a")
    index.put("b", seen(1))
    settle(index)
    assert (index.path_of(1), index.path_of(2)) == ("b", "a")


def test_an_inode_that_has_gone_on_to_another_document_stays_with_it(
    store: Store, settle: Callable[[Index], None]
) -> None:
    index = Index(store, "tree")
    index.put("a", seen(1))
    settle(index)
    index.put("b", seen(1))
    settle(index)
    index.put("a", seen(3))
    settle(index)
    assert index.path_of(1) == "b"
    index.remove("a")
    settle(index)
    assert (index.path_of(1), index.path_of(3)) == ("b", None)


def test_another_file_of_which_nothing_is_announced_yet_is_found_where_it_is(
    store: Store, settle: Callable[[Index], None]
) -> None:
    index = Index(store, "tree")
    index.put("a", seen(1))
    index.note("a", seen(2))
    settle(index)
    assert (index.path_of(1), index.path_of(2)) == ("a", "a")
    index.put("a", seen(2))
    settle(index)
    assert (index.path_of(1), index.path_of(2)) == (None, "a")
