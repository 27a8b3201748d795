"""Reading rows out of a damaged SQLite file, page by page: what can still be read, without the index that leads to it.

The format is that of https://www.sqlite.org/fileformat2.html. A row lies whole in a leaf of its table, its overflow
pages apart, and a leaf says by itself how many rows it holds. So a row needs neither the header of the file nor the
pages above it, and its table is known by the number and the types of its columns. What was deleted is not found again,
because relays.storage.sqlite has it overwritten (`secure_delete`).
"""

import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from relays.storage.wal import PAGE_SIZE, frames

Value = int | float | str | bytes | None

_TABLE_LEAF = 0x0D
_HEADER_BYTES = 100
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def rows(path: Path, log: Path) -> Iterator[tuple[int, list[Value]]]:
    """The rows of all tables that can be read, each with its number, as the write-ahead log has them."""
    newer = dict(frames(log))
    with path.open("rb") as file, (log if newer else path).open("rb") as written:
        pages = _Pages(file, written, newer)
        for number in range(1, pages.count + 1):
            page = pages.read(number)
            begin = _HEADER_BYTES if number == 1 else 0
            if len(page) == PAGE_SIZE and page[begin] == _TABLE_LEAF:
                yield from _leaf(pages, page, begin)


class _Pages:
    """The pages of a file; `newer` says where in the log the newest state of some of them is."""

    def __init__(self, file: BinaryIO, log: BinaryIO, newer: dict[int, int]) -> None:
        self._file = file
        self._log = log
        size = os.fstat(file.fileno()).st_size
        most = -(-size // PAGE_SIZE) + len(newer)
        self._newer = {number: at for number, at in newer.items() if number <= most}
        self.count = max(-(-size // PAGE_SIZE), max(self._newer, default=0))

    def read(self, number: int) -> bytes:
        if number in self._newer:
            return os.pread(self._log.fileno(), PAGE_SIZE, self._newer[number])
        return os.pread(self._file.fileno(), PAGE_SIZE, (number - 1) * PAGE_SIZE)


def _leaf(pages: _Pages, page: bytes, begin: int) -> Iterator[tuple[int, list[Value]]]:
    (count,) = struct.unpack_from(">H", page, begin + 3)
    for place in range(begin + 8, min(begin + 8 + 2 * count, PAGE_SIZE - 1), 2):
        # A row that is not whole is none; the next one may be.
        with suppress(ValueError, IndexError, struct.error):
            (cell,) = struct.unpack_from(">H", page, place)
            size, at = _varint(page, cell)
            row, at = _varint(page, at)
            yield row, _record(_payload(pages, page, at, size))


def _payload(pages: _Pages, page: bytes, at: int, size: int) -> bytes:
    """What a cell holds: all of it on the page, or the beginning there and the rest on overflow pages."""
    if size > pages.count * PAGE_SIZE:
        raise ValueError("longer than the file")
    least = (PAGE_SIZE - 12) * 32 // 255 - 23
    local = size
    if size > PAGE_SIZE - 35:
        local = least + (size - least) % (PAGE_SIZE - 4)
        if local > PAGE_SIZE - 35:
            local = least
    content = bytearray(page[at : at + local])
    following = struct.unpack_from(">I", page, at + local)[0] if size > local else 0
    while len(content) < size:
        more = pages.read(following) if following else b""
        if len(more) < PAGE_SIZE:
            raise ValueError("an overflow page is missing")
        (following,) = struct.unpack_from(">I", more)
        content += more[4 : 4 + size - len(content)]
    return bytes(content)


def _record(content: bytes) -> list[Value]:
    end, at = _varint(content, 0)
    kinds = []
    while at < end:
        kind, at = _varint(content, at)
        kinds.append(kind)
    values = []
    for kind in kinds:
        value, at = _value(content, at, kind)
        values.append(value)
    if at != len(content):
        raise ValueError("not a record")
    return values


def _value(content: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind == 0:
        return None, at
    if kind in _INTEGER_BYTES:
        end = at + _INTEGER_BYTES[kind]
        return int.from_bytes(content[at:end], "big", signed=True), end
    if kind == 7:
        return float(struct.unpack_from(">d", content, at)[0]), at + 8
    if kind in (8, 9):
        return kind - 8, at
    if kind < 12:
        raise ValueError("not a type")
    end = at + (kind - 12) // 2
    return (content[at:end].decode() if kind % 2 else content[at:end]), end


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(at, at + 8):
        byte = content[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    return value << 8 | content[at + 8], at + 9


def fits(values: Sequence[Value], types: Sequence[str]) -> bool:
    """Whether a row can be one of a table whose columns have been declared with these types."""
    return len(values) == len(types) and all(
        value is None or isinstance(value, _TYPES[declared])
        for value, declared in zip(values, types, strict=True)
    )


_TYPES: dict[str, type | tuple[type, ...]] = {
    "TEXT": str,
    "BLOB": bytes,
    "INTEGER": int,
    "BIGINT": int,
    "BOOLEAN": int,
    # SQLite stores a whole number as one.
    "DOUBLE PRECISION": (float, int),
}
