"""A Docker engine to run the lab on: the one that is there, or one that is installed and started here."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import docker
from docker.errors import DockerException

from lab.progress import LabError, say, wait_for
from lab.state import STATE

BROWSER = {"chromium": "chromium fonts-noto-color-emoji"}
"""For `need`: what takes the pictures of the acceptance checks."""

_PID = STATE / "dockerd.pid"
_LOG = STATE / "dockerd.log"


def connect() -> docker.DockerClient:
    """A client of a running engine. LabError, with the remedy, where none can be had."""
    client = _running()
    if client is None:
        if os.geteuid():
            raise LabError(
                "no Docker engine answers, or you may not use it; start Docker, or run this as root"
            )
        need({"dockerd": "docker.io"})
        client = _running() or _start()
    return client


def need(programs: dict[str, str]) -> None:
    """Install the packages of those programs ({program: packages}) that this machine has not."""
    missing = [package for program, package in programs.items() if not shutil.which(program)]
    if missing and (os.geteuid() or not shutil.which("apt-get")):
        raise LabError(f"this machine lacks {', '.join(missing)}; install it and try again")
    if missing:
        say(f"installing {', '.join(missing)}")
        _install(*" ".join(missing).split())


def _running() -> docker.DockerClient | None:
    try:
        client = docker.from_env(timeout=120)
        client.ping()
    except DockerException:
        return None
    return client


def _install(*packages: str) -> None:
    """Install Debian packages; LabError with apt's last line if that fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *packages]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"{' '.join(command)} failed: {done.stderr.strip().splitlines()[-1:]}")


def _start() -> docker.DockerClient:
    """Start dockerd where no service manager does (a container, a CI machine)."""
    if os.geteuid():
        raise LabError(
            "the Docker engine is not running or you may not use it; run: sudo systemctl start docker"
        )
    if Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "start", "docker"], check=False)
    else:
        say("starting the Docker engine")
        STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _LOG.open("ab") as log:
            daemon = subprocess.Popen(["dockerd"], stdout=log, stderr=log, start_new_session=True)
        _PID.write_text(str(daemon.pid))
    try:
        return wait_for("the Docker engine", _running, seconds=60)
    except LabError:
        print(_LOG.read_text()[-2000:] if _LOG.exists() else "", file=sys.stderr)
        raise


def stop_if_ours() -> None:
    """Stop the engine that `connect` has started, and wait for its end; another one goes on."""
    if not _PID.exists():
        return
    pid = int(_PID.read_text())
    if _is_engine(pid):
        os.kill(pid, signal.SIGTERM)
        # The next one would find the file that says that an engine runs.
        wait_for("the end of the Docker engine", lambda: not _is_engine(pid), seconds=60)
    _PID.unlink()


def _is_engine(pid: int) -> bool:
    try:
        return b"dockerd" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
