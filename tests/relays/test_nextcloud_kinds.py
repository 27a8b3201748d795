"""What is announced of documents that change and go, if a site wants to know: each once, and never by mistake."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink
from tests.relays.test_nextcloud import known, start, upload
from tests.relays.test_nextcloud_traces import EVERYTHING, kinds


@pytest.fixture
def everything(nextcloud_at: Callable[..., Relay], tree: Path) -> Relay:
    """The Nextcloud relay for `tree`, not started yet, which announces everything."""
    for name in ("b", "c", "d"):
        (tree / "Contrats" / f"{name}.pdf").write_bytes(name.encode())
    return nextcloud_at(tree, EVERYTHING)


def announced(relay: Relay, sink: Sink) -> list[str]:
    """All that was announced, as KIND PATH."""
    by_key = kinds(relay)
    return [by_key[key] for key in sink.keys if key in by_key]


def end(relay: Relay, sink: Sink, tree: Path) -> list[str]:
    """What was announced before a version and a deletion that come last, which need longer than anything else."""
    (tree / "Contrats" / "d.pdf").unlink()
    (tree / "Contrats" / "c.pdf").write_bytes(b"the last version")
    last = {"version Contrats/c.pdf", "deleted Contrats/d.pdf"}
    wait_for(lambda: last <= set(announced(relay, sink)))
    return [news for news in announced(relay, sink) if news not in last]


def test_a_version_is_announced_once_when_it_is_complete(everything: Relay, tree: Path, sink: Sink) -> None:
    start(everything)
    with (tree / "Contrats" / "ancien.pdf").open("wb") as document:
        for _ in range(5):
            document.write(b"x" * 100)
            document.flush()
    (tree / "Contrats" / "ancien.pdf").write_bytes(b"saved again")
    # As office programs save.
    (tree / "Contrats" / "b.tmp").write_bytes(b"saved by replacing")
    (tree / "Contrats" / "b.pdf").rename(tree.parent / "trash")
    (tree / "Contrats" / "b.tmp").rename(tree / "Contrats" / "b.pdf")
    assert sorted(end(everything, sink, tree)) == ["version Contrats/ancien.pdf", "version Contrats/b.pdf"]


def test_messages_say_what_happened(everything: Relay, tree: Path, sink: Sink) -> None:
    start(everything)
    (tree / "Contrats" / "b.pdf").rename(tree.parent / "b.pdf")
    wait_for(lambda: announced(everything, sink) == ["deleted Contrats/b.pdf"])
    (tree.parent / "b.pdf").rename(tree / "Conges" / "b.pdf")
    wait_for(lambda: announced(everything, sink)[1:] == ["moved_in Conges/b.pdf"])
    (tree / "Conges" / "b.pdf").write_bytes(b"changed")
    wait_for(lambda: announced(everything, sink)[2:] == ["version Conges/b.pdf"])
    texts = [post.payload["attachments"][0]["text"] for post in sink.posts]
    assert texts == [
        "Un document a été supprimé du dossier **Contrats** ou déplacé ailleurs",
        "Un document a été déplacé ou restauré dans le dossier **Conges**",
        "Un document a été modifié dans le dossier **Conges**",
    ]


def test_what_is_only_renamed_or_dated_is_no_news(everything: Relay, tree: Path, sink: Sink) -> None:
    start(everything)
    (tree / "Contrats" / "ancien.pdf").rename(tree / "Conges" / "renamed.pdf")
    (tree / "Contrats" / "b.pdf").chmod(0o600)
    upload(tree / "Conges" / "dated.pdf")
    os.utime(tree / "Conges" / "dated.pdf", (1546300800, 1546300800))
    assert end(everything, sink, tree) == ["new Conges/dated.pdf"]
    assert "Conges/renamed.pdf" in known(everything)


def test_what_happens_while_the_relay_is_down_is_announced_at_its_start(
    everything: Relay, tree: Path, sink: Sink
) -> None:
    start(everything)
    everything.terminate()
    (tree / "Contrats" / "ancien.pdf").write_bytes(b"another content")
    (tree / "Contrats" / "b.pdf").unlink()
    start(everything)
    assert sorted(end(everything, sink, tree)) == ["deleted Contrats/b.pdf", "version Contrats/ancien.pdf"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("how", ["moved", "removed", "while down"])
def test_a_tree_that_vanishes_deletes_nothing(everything: Relay, tree: Path, sink: Sink, how: str) -> None:
    start(everything)
    if how == "moved":
        tree.rename(tree.parent / "trash")
    elif how == "removed":
        shutil.rmtree(tree)
    else:
        everything.terminate()
        shutil.rmtree(tree)
        tree.mkdir()
    if how != "while down":
        assert everything.wait() == 75
        tree.mkdir()
    start(everything)
    wait_for(lambda: not known(everything))
    upload(tree / "new.pdf")
    wait_for(lambda: announced(everything, sink))
    assert announced(everything, sink) == ["new new.pdf"]


def test_what_cannot_be_read_is_not_deleted(everything: Relay, tree: Path, sink: Sink) -> None:
    # Root reads everything unless it may not.
    bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    everything.start(through=bound)
    wait_for(lambda: "watching tree" in everything.text)
    (tree / "Contrats").chmod(0)
    upload(tree / "Conges" / "new.pdf")
    wait_for(lambda: announced(everything, sink))
    (tree / "Contrats").chmod(0o755)
    assert end(everything, sink, tree) == ["new Conges/new.pdf"]


def test_by_default_versions_and_deletions_are_not_reported(nextcloud: Relay, tree: Path, sink: Sink) -> None:
    (tree / "Contrats" / "b.pdf").write_bytes(b"b")
    start(nextcloud)
    (tree / "Contrats" / "ancien.pdf").write_bytes(b"another content")
    (tree / "Contrats" / "b.pdf").unlink()
    wait_for(lambda: known(nextcloud) == {"Contrats/ancien.pdf"})
    upload(tree / "Conges" / "new.pdf")
    wait_for(lambda: announced(nextcloud, sink))
    assert announced(nextcloud, sink) == ["new Conges/new.pdf"]


def test_a_document_that_is_linked_into_the_tree_is_not_waited_for(
    everything: Relay, tree: Path, sink: Sink
) -> None:
    """Nobody opens it there, so nobody will close it (cp -l, rsync --link-dest)."""
    start(everything)
    elsewhere = tree.parent / "linked.pdf"
    elsewhere.write_bytes(b"%PDF")
    os.utime(elsewhere, (1, 1))
    (tree / "Contrats" / "linked.pdf").hardlink_to(elsewhere)
    wait_for(lambda: announced(everything, sink) == ["new Contrats/linked.pdf"])
