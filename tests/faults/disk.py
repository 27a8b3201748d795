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


class FailingDisk:
    """A disk of its own, in the file `image`, mounted at `path`, which goes read only when it meets an error."""

    def __init__(self, image: Path, path: Path) -> None:
        self._image = image
        self._path = path
        with image.open("wb") as file:
            file.truncate(32 * 1024 * 1024)
        _run("mkfs.ext4", "-q", image)
        self._mount()

    def fail(self) -> None:
        """The kernel meets an error on it: from now on nothing can be written, whoever has it open."""
        found = _run("findmnt", "-n", "-o", "SOURCE", self._path).strip()
        Path(f"/sys/fs/ext4/{Path(found).name}/trigger_fs_error").write_text("an error of a test")

    def repair(self) -> None:
        """Check it and mount it again; nobody may have it open."""
        _run("umount", self._path)
        _run("e2fsck", "-p", self._image, allowed=(0, 1))
        self._mount()

    def _mount(self) -> None:
        _run("mount", "-o", "loop,errors=remount-ro", self._image, self._path)


@contextmanager
def failing_disk(image: Path, path: Path) -> Iterator[FailingDisk]:
    """Such a disk mounted at a folder; the test is left out where that is not allowed."""
    try:
        disk = FailingDisk(image, path)
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        pytest.skip(f"no disk can be made and mounted here: {error}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def _run(*command: object, allowed: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode not in allowed:
        raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
    return done.stdout
