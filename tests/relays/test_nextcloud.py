"""The HR tree and what may happen to it: each new document once, nothing else, whatever is missed on the way."""

import os
import re
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink
from tests.relays.test_nextcloud_traces import announced


def upload(path: Path, content: bytes = b"content") -> None:
    """Upload a document the way Nextcloud does."""
    part = path.with_name(f"{abs(hash(path)):032x}.ocTransferId1.part")
    part.write_bytes(content)
    part.rename(path)


def known(relay: Relay) -> set[str]:
    """The documents in the relay's index, as they are on the disk."""
    with sqlite3.connect(f"file:{relay.state}/relay.db?mode=ro", uri=True) as db:
        return {os.fsdecode(path) for (path,) in db.execute("SELECT path FROM documents")}


def waiting(relay: Relay) -> int:
    """How many notifications are not yet known to be delivered."""
    with sqlite3.connect(f"file:{relay.state}/relay.db?mode=ro", uri=True) as db:
        ((count,),) = db.execute("SELECT count(*) FROM outbox WHERE state = 'ready'")
    return int(count)


def start(relay: Relay) -> None:
    """Start the relay and wait until it watches."""
    count = relay.text.count("watching tree")
    relay.start()
    wait_for(lambda: relay.text.count("watching tree") > count)


def end(relay: Relay, sink: Sink, tree: Path, number: int = 0) -> list[str]:
    """Upload one more document and wait for it; all that was announced before it."""
    upload(tree / f"end-{number}.pdf")
    wait_for(lambda: f"end-{number}.pdf" in announced(relay, sink))
    return [path for path in announced(relay, sink) if not path.startswith("end-")]


def test_the_message(nextcloud: Relay, tree: Path, sink: Sink) -> None:
    start(nextcloud)
    upload(tree / "Fiches_Paie" / "paie `@all`.PDF", b"x" * 1536)
    wait_for(lambda: sink.posts)
    (box,) = sink.posts[0].payload["attachments"]
    assert box["text"] == "Un nouveau document a été ajouté dans le dossier **Fiches_Paie**"
    assert box["title"] == "📄 Nouveau document RH déposé"
    values = [field["value"] for field in box["fields"]]
    assert values[:3] == ["``paie `@all`.PDF``", "💰 Fiches de Paie", "1.50 KB"]


def test_what_is_there_at_the_first_start_is_not_news(nextcloud: Relay, tree: Path, sink: Sink) -> None:
    start(nextcloud)
    assert known(nextcloud) == {"Contrats/ancien.pdf"}
    assert end(nextcloud, sink, tree) == []


def test_what_comes_while_the_relay_is_down_is_announced_at_its_start(
    nextcloud: Relay, tree: Path, sink: Sink
) -> None:
    start(nextcloud)
    upload(tree / "Contrats" / "first.pdf")
    wait_for(lambda: announced(nextcloud, sink))
    for end_it in (nextcloud.terminate, nextcloud.kill):
        # A kill right after a delivery may double that one.
        wait_for(lambda: not waiting(nextcloud))
        end_it()
        count = len(announced(nextcloud, sink))
        upload(tree / "Conges" / f"down-{count}.pdf")
        (tree / f"made-{count}").mkdir()
        upload(tree / f"made-{count}" / "deep.pdf")
        # Neither is news: a document that was renamed, and one that was written over or replaced.
        names = sorted(tree.glob("Contrats/ancien*"))
        names[0].rename(tree / "Contrats" / f"ancien-{count}.pdf")
        (tree / "Contrats" / "first.pdf").write_bytes(b"new content")
        upload(tree / "Contrats" / "first.pdf", b"another file")
        start(nextcloud)
        wait_for(lambda count=count: len(announced(nextcloud, sink)) >= count + 2)  # type: ignore[misc]
    assert sorted(end(nextcloud, sink, tree)) == [
        *(
            "Conges/down-1.pdf",
            "Conges/down-3.pdf",
            "Contrats/first.pdf",
            "made-1/deep.pdf",
            "made-3/deep.pdf",
        )
    ]


def test_all_of_a_tree_that_appears_later_is_news(
    nextcloud_at: Callable[..., Relay], sink: Sink, tmp_path: Path
) -> None:
    tree = tmp_path / "later" / "Documents_RH"
    relay = nextcloud_at(tree)
    relay.start()
    wait_for(lambda: relay.said(f"STATUS=en attente du dossier {tree} ; rien en attente"))
    made = tmp_path / "made"
    (made / "Conges").mkdir(parents=True)
    (made / "Conges" / "first.pdf").write_bytes(b"content")
    tree.parent.mkdir()
    made.rename(tree)
    wait_for(lambda: "watching tree" in relay.text)
    wait_for(lambda: announced(relay, sink))
    assert end(relay, sink, tree) == ["Conges/first.pdf"]


def test_a_folder_that_leaves_the_tree_is_not_heard_any_more(
    nextcloud: Relay, tree: Path, sink: Sink, tmp_path: Path
) -> None:
    start(nextcloud)
    moved = (tree / "Contrats").rename(tmp_path / "Contrats")
    upload(moved / "elsewhere.pdf")
    wait_for(lambda: "Contrats/ancien.pdf" not in known(nextcloud))
    upload(moved / "elsewhere2.pdf")
    # A folder of the same name is another folder.
    (tree / "Contrats").mkdir()
    upload(tree / "Contrats" / "here.pdf")
    upload(moved / "elsewhere3.pdf")
    wait_for(lambda: announced(nextcloud, sink))
    assert end(nextcloud, sink, tree) == ["Contrats/here.pdf"]


def test_a_folder_that_comes_back_is_announced(
    nextcloud: Relay, tree: Path, sink: Sink, tmp_path: Path
) -> None:
    start(nextcloud)
    (tree / "Contrats").rename(tmp_path / "trash")
    wait_for(lambda: not known(nextcloud))
    (tmp_path / "trash").rename(tree / "Contrats")
    wait_for(lambda: announced(nextcloud, sink))
    assert end(nextcloud, sink, tree) == ["Contrats/ancien.pdf"]


def test_saving_by_replacing_is_not_news(nextcloud: Relay, tree: Path, sink: Sink, tmp_path: Path) -> None:
    start(nextcloud)
    document = tree / "Contrats" / "ancien.pdf"
    for number in range(3):
        # Office programs: write beside it, take the old one away, put the new one in its place.
        (tree / "Contrats" / f"~save{number}.tmp").write_bytes(b"saved")
        document.rename(tmp_path / f"trash-{number}")
        (tree / "Contrats" / f"~save{number}.tmp").rename(document)
        # Nextcloud restoring a version.
        document.unlink()
        (tmp_path / "version").write_bytes(b"version")
        (tmp_path / "version").rename(document)
        os.utime(document, (1546300800, 1546300800))
    assert end(nextcloud, sink, tree) == []
    assert known(nextcloud) == {"Contrats/ancien.pdf", "end-0.pdf"}


def test_a_document_that_is_away_for_a_moment_is_the_same_document(
    nextcloud: Relay, tree: Path, sink: Sink
) -> None:
    start(nextcloud)
    content = (tree / "Contrats" / "ancien.pdf").read_bytes()
    (tree / "Contrats" / "ancien.pdf").unlink()
    # Once this one is announced, the relay has seen that the other one is away.
    assert end(nextcloud, sink, tree) == []
    upload(tree / "Contrats" / "ancien.pdf", content + b" and more")
    assert end(nextcloud, sink, tree, 1) == []


def test_a_document_that_is_written_after_it_was_made_is_announced_with_its_content(
    nextcloud: Relay, tree: Path, sink: Sink
) -> None:
    start(nextcloud)
    upload(tree / "Contrats" / "new.pdf", b"")
    # Once this one is announced, the relay has seen the empty one.
    assert end(nextcloud, sink, tree) == []
    (tree / "Contrats" / "new.pdf").write_bytes(b"x" * 1024)
    assert end(nextcloud, sink, tree, 1) == ["Contrats/new.pdf"]
    sizes = [post.payload["attachments"][0]["fields"][2]["value"] for post in sink.posts]
    assert sizes == ["7 octets", "1.00 KB", "7 octets"]


def test_an_inode_that_is_used_again_does_not_hide_a_document(
    nextcloud: Relay, tree: Path, sink: Sink
) -> None:
    start(nextcloud)
    expected = []
    for number in range(5):
        upload(tree / "Conges" / f"one-{number}.pdf")
        wait_for(lambda number=number: len(announced(nextcloud, sink)) == 2 * number + 1)  # type: ignore[misc]
        (tree / "Conges" / f"one-{number}.pdf").unlink()
        (tree / "Conges" / f"two-{number}.pdf").write_bytes(b"another document")
        wait_for(lambda number=number: len(announced(nextcloud, sink)) == 2 * number + 2)  # type: ignore[misc]
        expected += [f"Conges/one-{number}.pdf", f"Conges/two-{number}.pdf"]
    assert end(nextcloud, sink, tree) == expected


def test_temporary_and_hidden_names_are_never_announced(
    nextcloud: Relay, tree: Path, sink: Sink, tmp_path: Path
) -> None:
    start(nextcloud)
    names = (
        "a.part",
        "b.TMP",
        "c.filepart",
        "d.crdownload",
        ".hidden",
        ".~lock.x#",
        "~$doc.docx",
        "e.ocTransferId7",
    )
    (tree / ".git").mkdir()
    for name in names:
        (tree / "Contrats" / name).write_bytes(b"written in place")
        (tmp_path / "elsewhere").write_bytes(b"moved in")
        (tmp_path / "elsewhere").rename(tree / "Conges" / name)
        (tree / ".git" / f"{name}.pdf").write_bytes(b"in a hidden folder")
    (tree / "Contrats" / "link.pdf").symlink_to(tree / "Contrats" / "ancien.pdf")
    assert end(nextcloud, sink, tree) == []
    # Nor are they when the tree is compared as a whole.
    nextcloud.terminate()
    start(nextcloud)
    assert end(nextcloud, sink, tree, 1) == []


def test_names_that_are_not_utf8(nextcloud: Relay, tree: Path, sink: Sink) -> None:
    start(nextcloud)
    name = os.fsdecode(b"Cong\xe9s")
    (tree / name).mkdir()
    upload(tree / name / os.fsdecode(b"ferm\xe9.pdf"))
    wait_for(lambda: len(sink.posts) == 1)
    assert sink.posts[0].payload["attachments"][0]["fields"][0]["value"] == "`ferm�.pdf`"
    nextcloud.terminate()
    start(nextcloud)
    upload(tree / "end.pdf")
    wait_for(lambda: len(sink.posts) == 2)
    assert sink.posts[1].payload["attachments"][0]["fields"][0]["value"] == "`end.pdf`"


def test_a_tree_that_is_replaced_is_started_on_again(nextcloud: Relay, tree: Path, sink: Sink) -> None:
    start(nextcloud)
    old = tree.rename(tree.with_name("Documents_RH_old"))
    assert nextcloud.wait() == 75
    nextcloud.start()
    (tree / "Contrats").mkdir(parents=True)
    (old / "Contrats" / "ancien.pdf").rename(tree / "Contrats" / "ancien.pdf")
    upload(tree / "Contrats" / "new.pdf")
    upload(old / "Contrats" / "elsewhere.pdf")
    wait_for(lambda: announced(nextcloud, sink))
    assert end(nextcloud, sink, tree) == ["Contrats/new.pdf"]


def test_what_a_full_queue_loses_is_found(one_by_one: Relay, tree: Path, sink: Sink) -> None:
    start(one_by_one)
    os.kill(one_by_one.pid, signal.SIGSTOP)
    wait_for(lambda: "State:\tT" in Path(f"/proc/{one_by_one.pid}/status").read_text())
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    noise = tree / "a.part"
    noise.touch()
    for number in range(limit // 2 + 1):
        noise = noise.rename(tree / f"{number % 2}.part")
    (tree / "new").mkdir()
    for number in range(20):
        upload(tree / "new" / f"{number}.pdf")
        upload(tree / "Conges" / f"{number}.pdf")
    os.kill(one_by_one.pid, signal.SIGCONT)
    wait_for(lambda: len(announced(one_by_one, sink)) >= 40)
    assert "overflow" in one_by_one.text
    expected = [f"{folder}/{number}.pdf" for folder in ("Conges", "new") for number in range(20)]
    assert sorted(end(one_by_one, sink, tree)) == sorted(expected)


def test_kills_during_uploads_lose_nothing_and_double_one_document_each_at_most(
    one_by_one: Relay, tree: Path, sink: Sink
) -> None:
    def names() -> list[str]:
        # A kill may come between storing a document and writing its line to the log.
        return [name for post in sink.posts for name in re.findall(r"`(\S+\.pdf)`", post.shown)]

    start(one_by_one)
    for number in range(60):
        upload(tree / "Contrats" / f"{number}.pdf")
        if number % 20 == 10:
            one_by_one.kill()
        if number % 20 == 15:
            one_by_one.start()
    wait_for(lambda: len(set(names())) == 60)
    upload(tree / "end.pdf")
    wait_for(lambda: "end.pdf" in names())
    assert set(names()) == {"end.pdf", *(f"{number}.pdf" for number in range(60))}
    assert len(names()) <= 61 + 3
