"""The scanner: takes the disk over into the index, reading only.

Counts and order are Nextcloud 32.0.1's: breadth first within a folder, then each sub-folder; the first folder
that cannot be listed ends the scan.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.standins.nextcloud.state import names
from lab.standins.nextcloud.state.filecache import FileCache


@dataclass
class Counts:
    """The columns of the summary table. New entries are counted under `updated` (measured: New stays 0)."""

    folders: int = 0
    files: int = 0
    updated: int = 0
    removed: int = 0
    errors: int = 0


class ListingFailed(Exception):
    """A folder cannot be listed; the text is its path."""


def scan(
    cache: FileCache,
    home: Path,
    path: str,
    counts: Counts,
    *,
    recursive: bool = True,
    seen: Callable[[str, str], None] = lambda kind, path: None,
) -> None:
    """Scan `path` (relative to `home`) and, if `recursive`, all that is below.

    `seen` is called with "Folder" or "File" and the path, as it goes.

    Raises:
        ListingFailed: see there; what was scanned before is kept.
    """
    if path and not _indexed(Path(path).name):
        return
    missing = [str(parent) for parent in Path(path).parents if cache.get(_key(str(parent))) is None]
    for parent in reversed(missing):
        _record(cache, _key(parent), counts)
    _record(cache, path, counts)
    if not (home / path).is_dir():
        counts.files += 1
        seen("File", path)
        return
    _scan_folder(cache, home, path, counts, recursive=recursive, seen=seen)


def _scan_folder(
    cache: FileCache,
    home: Path,
    path: str,
    counts: Counts,
    *,
    recursive: bool,
    seen: Callable[[str, str], None],
) -> None:
    counts.folders += 1
    seen("Folder", path)
    try:
        with os.scandir(home / path) as listing:
            found = {entry.name: entry.is_dir() for entry in listing if _indexed(entry.name)}
    except PermissionError as error:
        raise ListingFailed(str(home / path)) from error
    for name, folder in found.items():
        child = f"{path}/{name}" if path else name
        if not folder:
            counts.files += 1
            seen("File", child)
        _record(cache, child, counts)
    for gone in cache.children(path):
        if gone.name not in found:
            cache.remove(gone.path)
            cache.propagate(gone.path)
            counts.removed += 1
    if recursive:
        for name in (name for name, folder in found.items() if folder):
            child = f"{path}/{name}" if path else name
            _scan_folder(cache, home, child, counts, recursive=True, seen=seen)


def _record(cache: FileCache, path: str, counts: Counts) -> None:
    if cache.record(path):
        counts.updated += 1
        cache.propagate(path)


def _indexed(name: str) -> bool:
    return names.refusal(name) is None


def _key(path: str) -> str:
    return "" if path == "." else path
