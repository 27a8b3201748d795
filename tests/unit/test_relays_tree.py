"""The HR tree: what is looked at, what is remembered, what is said."""

import os
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relays.sources.nextcloud import document, tree
from relays.sources.nextcloud.changes import Kind, News
from relays.sources.nextcloud.options import TreeOptions
from relays.sources.nextcloud.timer_queue import TimerQueue
from relays.wording import CATALOGUES
from tests.unit.test_relays_messages import escaped_length

NOON = datetime(2026, 11, 25, 12, 3, 4)


def announce(
    path: str, size: int = 2048, language: str = "fr", footer: str = "Nextcloud TAAF - Documents RH"
) -> dict[str, Any]:
    """The message about a document."""
    news = News(Kind.NEW, path, size, NOON)
    return document.build(
        TreeOptions(tree="/Documents_RH", footer=footer), CATALOGUES[language], news
    ).payload()


def fields(path: str, size: int = 2048) -> list[str]:
    """The values of the fields of the message about a document."""
    (box,) = announce(path, size)["attachments"]
    return [field["value"] for field in box["fields"]]


def test_the_message_as_the_mission_draws_it() -> None:
    assert announce("Contrats/contrat.pdf") == {
        "username": "Nextcloud RH Bot",
        "icon_emoji": ":file_folder:",
        "attachments": [
            {
                "color": "#0082c9",
                "title": "📄 Nouveau document RH déposé",
                "text": "Un nouveau document a été ajouté dans le dossier **Contrats**",
                "fallback": "📄 Nouveau document RH déposé : contrat.pdf (Contrats)",
                "fields": [
                    {"short": False, "title": "📁 Fichier", "value": "`contrat.pdf`"},
                    {"short": True, "title": "📁 Catégorie", "value": "📋 Contrats"},
                    {"short": True, "title": "💾 Taille", "value": "2.00 KB"},
                    {"short": True, "title": "📅 Date", "value": "25/11/2026"},
                    {"short": True, "title": "🕐 Heure", "value": "12:03:04"},
                ],
                "footer": "Nextcloud TAAF - Documents RH",
            }
        ],
    }


@pytest.mark.parametrize(
    ("path", "category"),
    [
        ("a.pdf", "👥 RH Général"),
        ("Contrats/a.pdf", "📋 Contrats"),
        ("Fiches_Paie/a.pdf", "💰 Fiches de Paie"),
        ("fiches-paie 2025/a.pdf", "💰 Fiches de Paie"),
        ("Notes Service/a.pdf", "📢 Notes de Service"),
        ("Conges/a.pdf", "🏖️ Congés"),
        ("Congés/a.pdf", "🏖️ Congés"),
        ("FORMATIONS/a.pdf", "🎓 Formations"),
        ("Contrats/2025/mars/a.pdf", "📋 Contrats"),
        ("Divers/a.pdf", "📁 Divers"),
        ("Divers/@all/a.pdf", "📁 \u200b@\u200ball"),
    ],
)
def test_categories(path: str, category: str) -> None:
    assert fields(path)[1] == category


@pytest.mark.parametrize(
    ("name", "icon"),
    [
        *(
            ("a.pdf", "📄"),
            ("a.DOCX", "📝"),
            ("a.csv", "📊"),
            ("a.ppt", "📊"),
            ("a.txt", "📃"),
            ("a.jpeg", "🖼️"),
        ),
        *(("a.tar.7z", "🗜️"), ("a.odt", "📁"), ("pdf", "📁")),
    ],
)
def test_icons(name: str, icon: str) -> None:
    (box,) = announce(name)["attachments"]
    assert box["title"] == f"{icon} Nouveau document RH déposé"


@pytest.mark.parametrize(
    ("size", "words"),
    [(10, "0.01 KB"), (1048575, "1024.00 KB"), (1048576, "1.00 MB"), (5 * 1024**3, "5120.00 MB")],
)
def test_sizes(size: int, words: str) -> None:
    assert fields("a.pdf", size)[2] == words


def test_the_longest_names_stay_within_the_limits() -> None:
    for hostile in ('"', "<", "&", "\\", "`", "é"):
        message = announce(f"{hostile * 250}/{hostile * 250}", footer=hostile * 500)
        (box,) = message["attachments"]
        assert escaped_length(box) <= 7600


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        *(
            ("a.pdf", False),
            ("Contrats/a b.pdf", False),
            ("a.partial", False),
            ("a.tmp.pdf", False),
            ("part", False),
        ),
        *(("a.part", True), ("a.PART", True), ("a.tmp", True), ("a.filepart", True), ("a.crdownload", True)),
        *((".a", True), ("~a", True), ("x/.a.pdf", True), (".x/a.pdf", True), ("~x/a.pdf", False)),
        *(("d3.ocTransferId12.part", True), ("a.octransferid5", True), ("a.pdf~", False)),
    ],
)
def test_temporary_names(path: str, ignored: bool) -> None:
    assert tree.is_ignored(path) is ignored


def test_a_scan_finds_files_and_nothing_else(tmp_path: Path) -> None:
    for name in ("a.pdf", "x/b.pdf", "x/y/c.pdf", "x/d.part", ".h/e.pdf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"12345")
    (tmp_path / "link.pdf").symlink_to("a.pdf")
    (tmp_path / "loop").symlink_to(".")
    os.mkfifo(tmp_path / "pipe.pdf")
    found = dict(tree.Scan(str(tmp_path)))
    assert list(found) == ["a.pdf", "x/b.pdf", "x/y/c.pdf"]
    assert found["a.pdf"].size == 5
    assert list(dict(tree.Scan(str(tmp_path), "x"))) == ["x/b.pdf", "x/y/c.pdf"]


_NAMES = ["", "a", "a b", "a.d", "a0", "é", os.fsdecode(b"a\xe9"), "\U0001f600"]


@given(st.sets(st.tuples(*[st.sampled_from(_NAMES)] * 3), max_size=20))
def test_a_scan_goes_in_the_order_of_bytes_as_a_database_does(folders: set[tuple[str, ...]]) -> None:
    with TemporaryDirectory() as root:
        for folder in folders:
            (Path(root, *folder) / "f.pdf").parent.mkdir(parents=True, exist_ok=True)
            (Path(root, *folder) / "f.pdf").touch()
        paths = [path for path, _ in tree.Scan(root)]
        assert len(paths) == len({tuple(filter(None, folder)) for folder in folders})
        assert paths == sorted(paths, key=os.fsencode)


def test_links_lead_nowhere(tmp_path: Path) -> None:
    """Neither what they lead to nor whether there is anything shows."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.pdf").write_bytes(b"secret")
    (tmp_path / "tree" / "folder").symlink_to(tmp_path / "secret")
    (tmp_path / "tree" / "file.pdf").symlink_to(tmp_path / "secret" / "a.pdf")
    root = str(tmp_path / "tree")
    assert dict(tree.Scan(root)) == {}
    assert dict(tree.Scan(root, "folder")) == {}
    assert tree.look(root, "folder/a.pdf") is None
    assert tree.is_gone(root, "folder/a.pdf")
    status = tree.look(root, "file.pdf")
    assert status is not None
    assert tree.stat_of(status) is None


def scanned(root: Path, folder: str = "") -> tree.Scan:
    """A scan that is through."""
    scan = tree.Scan(str(root), folder)
    list(scan)
    return scan


def test_what_cannot_be_read_is_not_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def refuse(path: bytes, flags: int) -> int:
        if path.endswith(b"/closed"):
            raise PermissionError(13, "Permission denied")
        return opened(path, flags)

    (tmp_path / "closed").mkdir()
    (tmp_path / "open").mkdir()
    monkeypatch.setattr(os, "open", refuse)
    found = scanned(tmp_path)
    assert [
        found.is_unreadable(path)
        for path in ("closed/a.pdf", "closed/b/c.pdf", "open/a.pdf", "closed2/a.pdf")
    ] == [*(True, True, False, False)]
    # A root that is gone says nothing of its documents, a folder that is gone says all.
    assert scanned(tmp_path / "gone").is_unreadable("a.pdf")
    assert not scanned(tmp_path, "gone").is_unreadable("gone/a.pdf")


def test_a_bind_mount_shows_what_became_of_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, mounts = tmp_path / "Documents RH", tmp_path / "mountinfo"
    root.mkdir()
    monkeypatch.setattr(tree, "_MOUNTS", mounts)

    def identity(source: str) -> object:
        target = str(root).replace(" ", "\\040")
        mounts.write_text(
            f"22 1 8:1 / / rw - ext4 /dev/a rw\n30 22 8:1 {source} {target} ro - ext4 /dev/a rw\n"
        )
        return tree.identity(str(root))

    before = identity("/data/admin/files/Documents_RH")
    assert before is not None
    assert identity("/data/admin/files/Documents_RH") == before
    assert identity("/data/admin/files/Documents_RH_old") != before
    assert identity("/data/admin/files/Documents_RH//deleted") is None
    root.rename(tmp_path / "old")
    assert identity("/data/admin/files/Documents_RH") is None
    root.mkdir()
    assert identity("/data/admin/files/Documents_RH") != before


@pytest.mark.parametrize("of", ["", ".camille"])
def test_what_a_mount_has_left_behind_is_no_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    """Systemd leaves the folder that it mounted on, and mounts nothing where the tree is missing at a start."""
    monkeypatch.setattr(tree, "BOUND", str(tmp_path / "passerelle"))
    monkeypatch.setattr(tree, "_MOUNTS", tmp_path / "mountinfo")
    root = tmp_path / f"passerelle{of}" / "Documents_RH"
    root.mkdir(parents=True)
    (tmp_path / "mountinfo").write_text("22 1 8:1 / / rw - ext4 /dev/a rw\n")
    assert tree.identity(str(root)) is None
    (tmp_path / "mountinfo").write_text(f"30 22 8:1 /data/Documents_RH {root} ro - ext4 /dev/a rw\n")
    assert tree.identity(str(root)) is not None


def test_the_timer_queue_does_a_thing_once_when_it_was_last_put() -> None:
    times = [0.0]
    timers = TimerQueue(lambda: times[-1])
    done: list[str] = []
    other: list[str] = []
    timers.put(5, done.append, "a")
    timers.put(2, done.append, "b")
    timers.put(9, done.append, "a")
    timers.put(5, other.append, "a")
    assert timers.wait(60) == 2
    for moment, expected in ((1.0, []), (5.0, ["b"]), (8.0, ["b"]), (9.0, ["b", "a"]), (99.0, ["b", "a"])):
        times.append(moment)
        timers.run()
        assert done == expected
    assert other == ["a"]
    assert timers.wait(60) == 60
