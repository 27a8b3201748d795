"""The write-ahead log of a SQLite file: whether it is whole, and the pages in it that were committed.

The format is that of https://www.sqlite.org/fileformat2.html#the_write_ahead_log. SQLite takes a log up to the first
frame that is not right, for that is how a power cut leaves it, and says nothing of what comes after. A frame that is
right and ends a commit after one that is not shows that the log was damaged later: that commit had been answered for.
"""

import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# SQLite's default, which no relay has ever changed.
PAGE_SIZE = 4096

_HEADER_BYTES = 32
_FRAME_BYTES = 24
_MAGIC = 0x377F0682


@dataclass(frozen=True)
class _Frame:
    page: int
    ends_commit: bool
    at: int
    sound: bool


def is_damaged(log: Path) -> bool:
    """Whether commits lie behind a part that SQLite does not read."""
    found = list(_read(log))
    broken = next((place for place, frame in enumerate(found) if not frame.sound), len(found))
    return any(frame.sound and frame.ends_commit for frame in found[broken:])


def frames(log: Path) -> Iterator[tuple[int, int]]:
    """The number and the place in the log of each page that can be read, oldest first, up to the last commit."""
    found = [frame for frame in _read(log) if frame.sound]
    while found and not found[-1].ends_commit:
        found.pop()
    return ((frame.page, frame.at) for frame in found)


def _read(log: Path) -> Iterator[_Frame]:
    """The frames of the present generation, right or not; those of the one before are what is left of a longer log."""
    if not log.is_file():
        return
    with log.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES:
            return
        magic, _, _, _, *salt, first, second = struct.unpack(">8I", header)
        order = ">" if magic & 1 else "<"
        sound = magic | 1 == _MAGIC | 1 and _checksum(header[:24], order, 0, 0) == (first, second)
        if not sound:
            order = "<" if sys.byteorder == "little" else ">"
            # The oldest frame is always of the present generation.
            beginning = file.read(_FRAME_BYTES)
            salt = list(struct.unpack_from(">2I", beginning, 8)) if len(beginning) == _FRAME_BYTES else []
            file.seek(_HEADER_BYTES)
            yield _Frame(0, ends_commit=False, at=0, sound=False)
        at = _HEADER_BYTES
        while len(frame := file.read(_FRAME_BYTES + PAGE_SIZE)) == _FRAME_BYTES + PAGE_SIZE:
            page, pages, *its_salt, this_first, this_second = struct.unpack_from(">6I", frame)
            if its_salt == salt:
                right = not sound or _checksum(frame[:8] + frame[24:], order, first, second) == (
                    this_first,
                    this_second,
                )
                yield _Frame(page, bool(pages), at + _FRAME_BYTES, right and page > 0)
                sound, first, second = True, this_first, this_second
            else:
                sound = False
                yield _Frame(0, ends_commit=False, at=0, sound=False)
            at += len(frame)


def _checksum(content: bytes, order: str, first: int, second: int) -> tuple[int, int]:
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for place in range(0, len(words), 2):
        first = (first + words[place] + second) & 0xFFFFFFFF
        second = (second + words[place + 1] + first) & 0xFFFFFFFF
    return first, second
