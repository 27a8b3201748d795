"""The Nextcloud relay on trees of any size."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink


def make(root: Path, documents: int) -> None:
    """A tree of documents, a hundred to a folder."""
    for number in range(documents):
        path = root / f"Contrats/{number // 100:04d}/contrat-de-travail-{number:06d}.pdf"
        if number % 100 == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(b"content")


@contextmanager
def watching(home: Path, sink: Sink, tree: Path, settings: str = "") -> Iterator[tuple[Relay, float]]:
    """The relay on a tree with settings of it, and the seconds from its start until it had looked at all of it."""
    home.mkdir()
    relay = Relay("nextcloud", home, sink.url, f'[[trees]]\ntree = "{tree}"\n{settings}\n')
    started = time.monotonic()
    relay.start()
    wait_for(lambda: "watching tree" in relay.text, 120)
    try:
        yield relay, time.monotonic() - started
    finally:
        relay.terminate()
        relay.close()


def latencies(sink: Sink, tree: Path, uploads: int) -> list[float]:
    """Milliseconds from the rename that completes an upload to the arrival of the post, one upload after the other."""
    measured = []
    for number in range(uploads):
        part = tree / "Contrats" / f"{number:032x}.ocTransferId{number}.part"
        part.write_bytes(b"content" * 1000)
        before = len(sink.posts)
        renamed = time.monotonic()
        part.rename(part.with_name(f"nouveau-{number}.pdf"))
        wait_for(lambda before=before: len(sink.posts) > before)  # type: ignore[misc]
        measured.append((sink.posts[-1].at - renamed) * 1000)
    return measured
