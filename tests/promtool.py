"""Prometheus's promtool: the one that is there, or that program alone out of Debian's package (no server starts)."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from lab.state import STATE

_FOLDER = STATE / "promtool"
_PROGRAM = _FOLDER / "usr" / "bin" / "promtool"


def run(*arguments: object, given: str | None = None) -> str:
    """What `promtool ARGUMENTS` says, which fails if it finds fault.

    The test is left out, with the reason, where there is no promtool.
    """
    done = subprocess.run(
        [_program(), *map(str, arguments)], input=given, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def _program() -> str:
    if found := shutil.which("promtool"):
        return found
    with (Path(tempfile.gettempdir()) / f"passerelle-promtool-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _PROGRAM.exists():
            _unpack()
    return str(_PROGRAM)


def _unpack() -> None:
    """Take the program out of Debian's package: installing that would start a server and needs root."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("promtool: this machine lacks it, and Debian's package cannot be had here; install it")
    STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        done = _download(folder)
        if done.returncode and not os.geteuid():
            subprocess.run(["apt-get", "update", "-qq"], check=False, capture_output=True)
            done = _download(folder)
        if done.returncode:
            pytest.skip(f"promtool: apt-get download prometheus failed: {done.stderr.strip()[-200:]}")
        (package,) = Path(folder).glob("*.deb")
        unpacked = Path(folder) / "unpacked"
        unpacked.mkdir()
        files = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True)
        subprocess.run(["tar", "-xC", unpacked, "./usr/bin/promtool"], input=files.stdout, check=True)
        shutil.rmtree(_FOLDER, ignore_errors=True)
        unpacked.rename(_FOLDER)


def _download(folder: str) -> subprocess.CompletedProcess[str]:
    command = ["apt-get", "download", "-qq", "prometheus"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
