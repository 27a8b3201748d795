"""The Nextcloud relay killed at random points while documents come in all ways: none missed, none announced twice.

A kill between Mattermost's answer and its record sends that one post again, and nothing else may.
The kills are those of PASSERELLE_SEED, or of a seed that is printed.
"""

import os
import random
import re
import threading
from pathlib import Path

from tests.relays.process import Relay, wait_for
from tests.relays.sink import Post, Sink
from tests.relays.test_nextcloud import start, upload

UPLOADS = 2000
KILLS = 10
# So many wait at most, so that the kills fall among the uploads and not after them.
AHEAD = 300


def in_chunks(path: Path) -> None:
    """As Nextcloud puts the chunks of a large upload together."""
    part = path.with_name(f"{path.stem}.ocTransferId7.part")
    with part.open("wb") as file:
        for chunk in range(4):
            file.write(bytes([chunk]) * 1024)
            file.flush()
    part.rename(path)
    os.utime(path, (1546300800, 1546300800))


def in_place(path: Path) -> None:
    """As Nextcloud writes what desktop clients send in bulk."""
    with path.open("wb") as file:
        file.write(b"first")
        file.flush()
        file.write(b"second")
    os.utime(path, (1546300800, 1546300800))


def moved_in(path: Path) -> None:
    """As Nextcloud moves from elsewhere and restores from the trash."""
    elsewhere = path.parents[3] / path.name
    elsewhere.write_bytes(b"content")
    elsewhere.rename(path)


WAYS = (upload, in_chunks, in_place, moved_in)


def names(post: Post) -> list[str]:
    return re.findall(r"`(document-\d+)\.pdf`", post.shown)


def test_kills_at_random_points(one_by_one: Relay, tree: Path, sink: Sink) -> None:
    seed = int(os.environ.get("PASSERELLE_SEED") or random.randrange(2**32))
    print(f"PASSERELLE_SEED={seed}")
    chance = random.Random(seed)

    def announced() -> set[str]:
        return {name for post in list(sink.posts) for name in names(post)}

    def bring() -> None:
        for number in range(UPLOADS):
            wait_for(lambda number=number: number - len(announced()) < AHEAD, 60, "room")  # type: ignore[misc]
            folder = tree / ("Contrats", "Conges", "Fiches_Paie")[number % 3] / f"{number // 100}"
            folder.mkdir(exist_ok=True)
            WAYS[number % len(WAYS)](folder / f"document-{number}.pdf")

    start(one_by_one)
    uploads = threading.Thread(target=bring)
    uploads.start()
    for point in sorted(chance.sample(range(UPLOADS - AHEAD), KILLS)):
        wait_for(lambda point=point: len(announced()) >= point, 60, f"{point} documents")  # type: ignore[misc]
        one_by_one.kill()
        one_by_one.start(wait=chance.random() < 0.7)
    uploads.join()
    wait_for(lambda: len(announced()) == UPLOADS, 60, "all documents")
    upload(tree / "Contrats" / f"document-{UPLOADS}.pdf")
    wait_for(lambda: len(announced()) == UPLOADS + 1)

    seen: set[str] = set()
    again = 0
    for post in sink.posts:
        again += bool(seen & set(names(post)))
        seen.update(names(post))
    assert again <= KILLS, f"PASSERELLE_SEED={seed}"
