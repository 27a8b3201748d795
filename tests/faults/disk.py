"""A small disk for a relay's state, which can be full or read only."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Disk:
    """A file system in memory, mounted at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Leave no room."""
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError:
                return

    def make_room(self) -> None:
        """Give the room back."""
        self._ballast.unlink()

    def mount(self, how: str) -> None:
        """Mount it anew, `ro` or `rw`."""
        subprocess.run(["mount", "-o", f"remount,{how}", self._path], check=True)


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[Disk]:
    """A small disk mounted at a folder; the test is left out where that is not allowed."""
    options = f"size={megabytes}m,mode=700"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)
