"""Conversations about documents: a document keeps its own whatever it is called, and discretion holds in all of it."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from relays.delivery.outbox import Notification
from relays.sources.nextcloud import announcer as announcing
from relays.sources.nextcloud.attribution import Attribution
from relays.sources.nextcloud.backend import Disk
from relays.sources.nextcloud.changes import Kind, News
from relays.sources.nextcloud.options import Discretion, TreeOptions
from relays.sources.nextcloud.source import TreeSource
from relays.sources.nextcloud.tables import NEXTCLOUD
from relays.storage.sqlite import SQLite
from relays.storage.store import Store
from relays.wording import CATALOGUES
from tests.unit.test_relays_snapshots import UPDATE, rendered
from tests.waiting import wait_until

SNAPSHOTS = Path(__file__).parent / "document_snapshots"


def options(**more: Any) -> TreeOptions:
    """A tree of which everything is announced."""
    return TreeOptions(tree="/srv/Documents_RH", channel="rh", announce=tuple(Kind), **more)


@dataclass
class Watched:
    """A tree that a source watches, and all that it has announced; `start` begins anew on the same spool."""

    root: Path
    store: Store
    options: TreeOptions
    converses: bool = True
    announced: list[Notification] = field(default_factory=list)
    source: Any = None

    def start(self) -> None:
        service: Any = SimpleNamespace(
            store=self.store,
            outbox=SimpleNamespace(put=self._put),
            wording=CATALOGUES["fr"],
            note=lambda source, text, **data: notes.append(data["state"]),
            leave=lambda code: None,
        )
        notes: list[str] = []
        place = Disk(str(self.root))
        attribution = Attribution(None, place, "")
        self.source = TreeSource(service, place, self.options, attribution, converses=self.converses)
        self.source.start()
        wait_until("the tree is watched", lambda: "watched" in notes)

    def stop(self) -> None:
        self.source.stop()
        self.source.join(20)
        assert not self.source.is_alive()

    def restart(self) -> None:
        self.stop()
        self.start()

    def _put(self, make: Callable[[Any], list[Notification]]) -> Future[None]:
        def work(db: Any) -> None:
            new.extend(make(db))

        new: list[Notification] = []
        future = self.store.submit(work)
        future.result()
        self.announced.extend(new)
        return future

    def next(self) -> Notification:
        """What is announced next."""
        wait_until("an announcement", lambda: self.announced)
        assert len(self.announced) == 1, self.announced
        return self.announced.pop()

    def knows(self, path: Path) -> bool:
        """Whether the document at a path is stored as being there."""
        where = (str(path.relative_to(self.root)).encode(), path.stat().st_ino)
        return bool(self.store.read("SELECT 1 FROM documents WHERE path = ? AND inode = ?", where))

    def write(self, path: str, content: str) -> None:
        (self.root / path).write_text(content)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "state").mkdir()
    root = tmp_path / "Documents_RH"
    (root / "Contrats").mkdir(parents=True)
    (root / "Conges").mkdir()
    store = Store(SQLite(tmp_path / "state" / "relay.db", NEXTCLOUD))
    store.start()
    made = Watched(root, store, options())
    made.start()
    yield made
    made.stop()
    store.stop()
    store.join(20)
    store.close()


Way = Callable[[Watched, Path], Path]
"""What is done to a document; where it is then."""


def overwritten(world: Watched, path: Path) -> Path:
    return path


def renamed(world: Watched, path: Path) -> Path:
    return path.rename(path.with_name("b.pdf"))


def moved(world: Watched, path: Path) -> Path:
    return path.rename(world.root / "Conges" / path.name)


def folder_renamed(world: Watched, path: Path) -> Path:
    return path.parent.rename(path.parent.with_name("Contracts")) / path.name


def exchanged(world: Watched, path: Path) -> Path:
    """Its name with another document's, which has a conversation of its own, while nobody is watching."""
    world.stop()
    other, aside = path.with_name("other.pdf"), path.with_name(".aside.tmp")
    path.rename(aside)
    other.rename(path)
    aside.rename(other)
    world.start()
    return other


def went_round(world: Watched, path: Path) -> Path:
    for _ in range(3):
        path = path.rename(path.with_name("b.pdf")).rename(path.with_name("c.pdf"))
        path = path.rename(path.with_name("a.pdf"))
    return path


def saved_anew(world: Watched, path: Path) -> Path:
    """As programs do that write a temporary file and rename it."""
    aside = path.with_name(".save.tmp")
    aside.write_text("saved by replacing")
    return aside.rename(path)


WAYS = [overwritten, renamed, moved, folder_renamed, exchanged, went_round, saved_anew]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("restarts", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_new_version_answers_in_the_conversation_about_its_document(
    watched: Watched, way: Way, restarts: bool
) -> None:
    begun = {}
    for name in ("a.pdf", "other.pdf"):
        watched.write(f"Contrats/{name}", name)
        new = watched.next()
        assert new.message is None
        assert new.root is not None
        begun[name] = new.conversation
    assert len(set(begun.values()) - {""}) == 2
    if restarts:
        watched.restart()
    path = way(watched, watched.root / "Contrats" / "a.pdf")
    if way is not saved_anew:
        if restarts:
            watched.restart()
        path.write_text("another content")
    version = watched.next()
    assert version.conversation == begun["a.pdf"]
    assert version.message is not None
    assert version.root is not None
    assert path.name in str(version.root.payload())
    path.unlink()
    gone = watched.next()
    assert gone.conversation == begun["a.pdf"]
    assert gone.message is not None
    path.write_text("a document of that name again")
    again = watched.next()
    assert again.conversation not in ("", *begun.values())
    assert again.message is None


def test_a_document_that_was_known_before_begins_a_conversation_with_its_new_version(
    watched: Watched,
) -> None:
    """As after a change from webhooks to a bot: the root comes with the first answer."""
    watched.stop()
    watched.converses = False
    watched.start()
    watched.write("Contrats/a.pdf", "a")
    as_webhook = watched.next()
    assert (as_webhook.conversation, as_webhook.root) == ("", None)
    assert as_webhook.message is not None
    watched.stop()
    watched.converses = True
    watched.start()
    watched.write("Contrats/a.pdf", "another")
    version = watched.next()
    assert version.conversation
    assert version.message is not None
    assert version.root is not None
    # And back: nothing of it is lost meanwhile.
    watched.stop()
    watched.converses = False
    watched.start()
    watched.write("Contrats/a.pdf", "a third one")
    assert watched.next().conversation == ""
    watched.stop()
    watched.converses = True
    watched.start()
    watched.write("Contrats/a.pdf", "a fourth one")
    assert watched.next().conversation == version.conversation


def test_what_is_only_counted_has_no_conversation(watched: Watched) -> None:
    watched.stop()
    watched.options = options(discretion=Discretion.COUNT)
    watched.start()
    watched.write("Contrats/Morel_2025.pdf", "a")
    new = watched.next()
    assert (new.conversation, new.root) == ("", None)
    assert "Morel" not in str(new)


def life(discretion: Discretion = Discretion.FULL, **more: Any) -> Iterator[tuple[TreeOptions, News]]:
    """What happens to a document in the course of time."""
    told = options(footer="Nextcloud TAAF", discretion=discretion, **more)
    people = itertools.cycle([("Camille Morel", False), ("Alex", True), ("", False)])
    kinds = [Kind.NEW, Kind.VERSION, Kind.VERSION, Kind.VERSION, Kind.DELETED]
    for number, (kind, (who, is_guest)) in enumerate(zip(kinds, people, strict=False)):
        when = datetime(2026, 11, 25, 12, number, 0)
        yield (
            told,
            News(
                kind,
                "Contrats/2026/contrat_Morel.pdf",
                1_500_000 * (number + 1),
                when,
                who,
                "https://cloud.taaf.internal/f/42",
                is_guest,
            ),
        )


@pytest.mark.parametrize("language", CATALOGUES)
@pytest.mark.parametrize("discretion", [Discretion.FULL, Discretion.MASKED])
def test_a_conversation_reads_as_it_did(language: str, discretion: Discretion) -> None:
    """`UPDATE_SNAPSHOTS=1` writes the files anew; read what changed."""
    lines = []
    for told, news in life(discretion):
        made = announcing.alone(told, CATALOGUES[language], news, "document:1").notification
        assert made.root is not None
        lines.append(f"== {news.kind}\n{rendered('', made.root.payload())}")
        if made.message:
            lines.append(f"↳ {rendered('', made.message.payload())}")
    path, text = SNAPSHOTS / language / f"{discretion}.txt", "\n".join(lines)
    if UPDATE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("language", CATALOGUES)
def test_a_private_name_is_in_no_part_of_a_conversation(language: str) -> None:
    for told, news in life(Discretion.MASKED):
        made = announcing.alone(told, CATALOGUES[language], news, "document:1")
        shown = f"{made.notification.root} {made.notification.message} {made.lines}"
        assert "Morel.pdf" not in shown
        assert "/f/42" not in shown


def test_a_sites_own_sentence_is_the_answer() -> None:
    wording = {"version": "{{ file }} change : {{ who }}", "version.title": "Titre"}
    told, news = list(life(wording=wording))[1]
    made = announcing.alone(told, CATALOGUES["fr"], news, "document:1").notification
    assert made.message is not None
    assert made.message.text == "contrat_Morel.pdf change : Alex (invité)"
    assert made.root is not None
    assert made.root.payload()["attachments"][0]["title"] == "Titre"  # type: ignore[index]


def test_of_many_a_single_one_of_a_kind_answers_in_its_conversation() -> None:
    told = options()
    when = datetime(2026, 11, 25)
    news = [News(Kind.NEW, f"{n}.pdf", 1, when) for n in range(3)] + [News(Kind.VERSION, "v.pdf", 1, when)]
    conversations = {each.path: f"document:{each.path}" for each in news}
    made = list(announcing.together(told, CATALOGUES["fr"], news, conversations))
    assert [each.notification.conversation for each in made] == ["", "document:v.pdf"]
    assert made[0].notification.root is None
