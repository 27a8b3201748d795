"""Thousands of documents at once, whatever brings them: each is announced once, in a post of its own or in a digest."""

import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink
from tests.relays.test_nextcloud import start, upload

FILES = 5000
STOPPED_FILES = 20_000


def announced(relay: Relay, sink: Sink) -> list[str]:
    """The documents that Mattermost was announced, alone or in digests, in order."""
    paths = dict(re.findall(r"announced key=(\S+) kind=\S+ path=['\"](.*)['\"]", relay.text))
    return [paths[key] for key in sink.keys if key in paths]


def make(folder: Path, files: int) -> set[str]:
    """A folder with many documents, some of them in folders below; their paths in it."""
    names = {f"{n % 50:02d}/{n % 4}/document-{n}.pdf" for n in range(files)}
    for parent in {Path(name).parent for name in names}:
        (folder / parent).mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(b"content")
    return names


def expect(relay: Relay, sink: Sink, tree: Path, expected: set[str], seconds: float = 40) -> None:
    """All of these are announced, each once, and nothing else is, not even when something comes after them."""
    wait_for(lambda: len(sink.keys) >= len(expected), seconds, f"{len(expected)} documents")
    upload(tree / "end.pdf")
    wait_for(lambda: "end.pdf" in announced(relay, sink), seconds, "the end")
    assert sorted(announced(relay, sink)) == sorted({*expected, "end.pdf"})
    assert len(sink.keys) == len(expected) + 1


def copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-r", source, target], check=True)


def move(source: Path, target: Path) -> None:
    subprocess.run(["mv", source, target], check=True)


def unpack(source: Path, target: Path) -> None:
    archive = source.with_suffix(".tar")
    subprocess.run(["tar", "cf", archive, "-C", source, "."], check=True)
    target.mkdir()
    subprocess.run(["tar", "xf", archive, "-C", target], check=True)


@pytest.mark.parametrize(
    "bring", [copy, *(pytest.param(each, marks=pytest.mark.exhaustive) for each in (move, unpack))]
)
def test_a_folder_of_documents_that_comes_at_once(
    one_by_one: Relay, tree: Path, sink: Sink, tmp_path: Path, bring: Callable[[Path, Path], None]
) -> None:
    names = make(tmp_path / "lot", FILES)
    start(one_by_one)
    bring(tmp_path / "lot", tree / "Conges" / "lot")
    expect(one_by_one, sink, tree, {f"Conges/lot/{name}" for name in names})


@pytest.mark.exhaustive
def test_folders_in_folders_that_are_written_to_while_they_are_made(
    one_by_one: Relay, tree: Path, sink: Sink
) -> None:
    start(one_by_one)
    expected = set()
    for lot in range(20):
        folder = tree / f"lot-{lot}"
        for depth in range(25):
            folder = folder / f"{depth}"
            folder.mkdir(parents=True)
            for number in range(FILES // 500):
                name = folder / f"{number}.pdf"
                if number % 2:
                    name.write_bytes(b"content")
                else:
                    upload(name)
                expected.add(str(name.relative_to(tree)))
    expect(one_by_one, sink, tree, expected)


def stop(relay: Relay) -> None:
    os.kill(relay.pid, signal.SIGSTOP)
    wait_for(lambda: "State:\tT" in Path(f"/proc/{relay.pid}/status").read_text())


@pytest.mark.exhaustive
def test_more_than_the_queue_holds(one_by_one: Relay, tree: Path, sink: Sink, tmp_path: Path) -> None:
    old, moved = make(tree / "Contrats" / "old", 100), make(tmp_path / "moved", 500)
    start(one_by_one)
    stop(one_by_one)
    # Into folders that are watched, that are new, that come in, that are renamed and that leave.
    for number in range(STOPPED_FILES):
        folder = tree / ("Contrats", "Conges", f"new/{number % 40}", f"new/{number % 40}/deep")[number % 4]
        folder.mkdir(parents=True, exist_ok=True)
        upload(folder / f"{number}.pdf")
        if number == STOPPED_FILES // 2:
            (tmp_path / "moved").rename(tree / "moved")
            (tree / "Contrats" / "old").rename(tree / "Conges" / "renamed")
            (tree / "new").rename(tmp_path / "left")
    expected = {str(path.relative_to(tree)) for path in tree.rglob("*.pdf")}
    expected -= {"Contrats/ancien.pdf", *(f"Conges/renamed/{name}" for name in old)}
    assert len(expected) > STOPPED_FILES * 0.7
    assert expected > {f"moved/{name}" for name in moved}
    os.kill(one_by_one.pid, signal.SIGCONT)
    wait_for(lambda: "overflow" in one_by_one.text, 60)
    expect(one_by_one, sink, tree, expected)
