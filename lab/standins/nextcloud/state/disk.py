"""The writes, each with the trail in inotify that Nextcloud 32.0.1 left when it was traced.

Nothing else in the stand-in opens a user's file for writing: the HR relay lives on these events, so each
function names the ones it causes on the final name.
"""

import hashlib
import os
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO


def part_file(target: Path, folder: Path) -> Path:
    """Name under which `target` is received: 32 hex digits of a hash of its name, and a transfer number.

    Nextcloud 32 takes xxh128; the digits are not meant to be recognised, so another hash stands in for it.
    """
    digits = hashlib.blake2b(target.name.encode(), digest_size=16).hexdigest()
    return folder / f"{digits}.ocTransferId{random.randrange(1, 2**31)}.part"  # noqa: S311


async def receive_new(target: Path, part: Path, body: AsyncIterator[bytes]) -> None:
    """Write `body` beside its place, then rename it into it: MOVED_TO.

    A client that leaves half-way takes the part file with it; a killed server leaves it for ever (both measured).
    """
    try:
        with part.open("wb", buffering=0) as file:
            async for chunk in body:
                file.write(chunk)
    except Exception:  # not CancelledError: a server that is being stopped does not tidy up either
        part.unlink(missing_ok=True)  # it may not have come to be
        raise
    part.rename(target)


async def receive_over(target: Path, body: AsyncIterator[bytes]) -> None:
    """Write `body` over an existing file, in place: MODIFY, CLOSE_WRITE.

    A client that leaves half-way leaves the file truncated (measured).
    """
    with target.open("wb", buffering=0) as file:
        async for chunk in body:
            file.write(chunk)


def write_directly(target: Path, source: BinaryIO) -> None:
    """Write under the final name: CREATE, MODIFY, CLOSE_WRITE for a new file."""
    with target.open("wb", buffering=0) as file:
        shutil.copyfileobj(source, file)


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder: per file as `write_directly`, per folder CREATE."""
    if source.is_dir():
        target.mkdir()
        for child in source.iterdir():
            copy(child, target / child.name)
    else:
        with source.open("rb") as content:
            write_directly(target, content)


def set_mtime(path: Path, mtime: int) -> None:
    """Give a file the client's date: ATTRIB."""
    os.utime(path, (mtime, mtime))


def remove(path: Path) -> None:
    """Delete a file or a folder with what is in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
