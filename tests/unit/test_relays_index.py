"""The index of a tree: what is known of each document, and where the document with an inode is."""

from pathlib import Path

import pytest

from relays.nextcloud.index import SCHEMA, Index
from relays.nextcloud.tree import Stat
from relays.store import Store


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """An empty index."""
    return Index(Store(tmp_path, SCHEMA), "/tree")


def seen(inode: int) -> Stat:
    """A document with that inode; all of them are alike otherwise, as clients may set the date."""
    return Stat(inode, 4, 1_577_836_800_000_000_000, 0)


def test_an_inode_leads_to_the_document_that_has_it_now(index: Index) -> None:
    index.put("a", seen(1))
    index.put("a", seen(2))
    assert (index.path_of(1), index.path_of(2)) == (None, "a")
    index.put("b", seen(1))
    assert (index.path_of(1), index.path_of(2)) == ("b", "a")


def test_an_inode_that_has_gone_on_to_another_document_stays_with_it(index: Index) -> None:
    index.put("a", seen(1))
    index.put("b", seen(1))
    index.put("a", seen(3))
    assert index.path_of(1) == "b"
    index.remove("a")
    assert (index.path_of(1), index.path_of(3)) == ("b", None)
