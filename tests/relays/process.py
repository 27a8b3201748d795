"""The real relays as processes, started the way systemd does, and what they say while they run."""

import os
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import requests

from tests.forking import Forked
from tests.postgresql import PASSWORD
from tests.waiting import wait_until

PROJECT = Path(__file__).parents[2]
TOKEN = "token9secret8of7the6gitlab5hook"

LISTEN = '[listen]\naddress = "127.0.0.1"\nport = 0\n'
"""Settings by which a relay listens at a port that is free."""


def wait_for(condition: Callable[[], object], seconds: float = 20.0, what: str = "") -> None:
    """Wait until the condition holds, looking often: a relay answers within milliseconds."""
    wait_until(what or f"{condition}", condition, seconds, every=0.01)


def _module(code: Path, kind: str) -> str:
    """The program of a relay in a release, a folder or an archive; before 1.0.0 it lay elsewhere."""
    layered = f"relays/sources/{kind}/__main__.py"
    found = (code / layered).exists() if code.is_dir() else layered in zipfile.ZipFile(code).namelist()
    return f"relays.sources.{kind}" if found else f"relays.{kind}"


class Relay:
    """One relay with its directories below `home`, started and stopped as often as the test likes."""

    forked = False
    """Whether a start costs little (tests.forking); one with a listener, a command or another release does not."""

    def __init__(self, kind: str, home: Path, hook_url: str, settings: str, spool: str | None = None) -> None:
        self.kind = kind
        self.home = home
        self.output = home / "output"
        self.state = home / "state"
        self.spool = spool
        # Another folder or archive has another release run from the next start on.
        self.code = PROJECT
        self._hook_url = hook_url
        self.settings = settings
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(os.path.relpath(home / "notify"))
        self.notified: list[str] = []
        self.notified_at = 0.0
        threading.Thread(target=self._listen, daemon=True).start()
        for name in ("state", "credentials", "runtime"):
            (home / name).mkdir()
        (home / "credentials" / "webhooks.conf").write_text(
            f'# Webhooks\n{kind.upper()}_WEBHOOK_URL="{hook_url}"\n'
        )
        (home / "credentials" / "gitlab-hook-token").write_text(f"{TOKEN}\n")
        if spool:
            (home / "credentials" / "spool").write_text(f"{spool}\n")
        self.output.touch()

    def start(
        self,
        *,
        listener: socket.socket | Sequence[socket.socket] | None = None,
        wait: bool = True,
        through: Sequence[str] = (),
        prepare: Callable[[Path], object] = lambda home: None,
    ) -> None:
        """Start the process and wait until it says that it is ready.

        `prepare` changes its directory before; `through` is a command that runs it with what is given it.
        """
        (self.home / "settings.toml").write_text(self.settings)
        prepare(self.home)
        arguments = ["--config", str(self.home / "settings.toml")]
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self.code),
            "PYTHONUNBUFFERED": "1",
            "TZ": "Indian/Reunion",
            "CREDENTIALS_DIRECTORY": str(self.home / "credentials"),
            "STATE_DIRECTORY": str(self.state),
            "RUNTIME_DIRECTORY": str(self.home / "runtime"),
            "NOTIFY_SOCKET": str(self.home / "notify"),
            "WATCHDOG_USEC": "600000",
        }
        self.notified.clear()
        listeners = [listener] if isinstance(listener, socket.socket) else list(listener or [])
        if self.forked and not listeners and not through and self.code == PROJECT:
            self._process = Forked(
                self.program, *arguments, output=self.output, env=environment, cwd=self.home
            )
        else:
            self._process = self._execute(arguments, environment, listeners, through)
        if wait:
            wait_for(
                lambda: self.said("READY=1") or self._process is None or self._process.poll() is not None
            )
            assert self.said("READY=1"), self.output.read_text()

    def _execute(
        self,
        arguments: Sequence[str],
        environment: dict[str, str],
        listeners: Sequence[socket.socket],
        through: Sequence[str],
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", self.program, *arguments]
        if listeners:
            # The shell's process becomes the relay, so its number is the one that systemd would name. From numbers that
            # are far away, or one would take the place of another that is still to be handed over.
            far = [200 + each.fileno() for each in listeners]
            moved = " ".join(f"{there}<&{each.fileno()}" for there, each in zip(far, listeners, strict=True))
            handed = " ".join(f"{3 + number}<&{there}" for number, there in enumerate(far))
            start = f'exec {moved}; LISTEN_FDS={len(listeners)} LISTEN_PID=$$ exec "$@" {handed}'
            command = ["bash", "-c", start, "bash", *command]
        with self.output.open("ab") as output:
            return subprocess.Popen(
                [*through, *command],
                env=environment,
                stdout=output,
                stderr=output,
                cwd=self.home,
                pass_fds=[each.fileno() for each in listeners],
            )

    def configure(self, settings: str) -> None:
        """Give it other settings from the next start on."""
        self.settings = settings

    @property
    def program(self) -> str:
        """The module that is run."""
        return _module(self.code, self.kind)

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process is not None
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself or was ended."""
        return self._process is not None and self._process.poll() is not None

    @property
    def text(self) -> str:
        """What the process wrote so far, over all its starts."""
        return self.output.read_text(encoding="utf-8")

    @property
    def port(self) -> int:
        """The port that the process listens on."""
        return int(re.findall(r"listening address=127\.0\.0\.1:(\d+)", self.text)[-1])

    @property
    def peak_megabytes(self) -> float:
        """The most memory that the process ever had."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024

    def said(self, assignment: str) -> bool:
        """Whether the process sent its service manager this since its start."""
        return assignment in self.notified

    def limit_file_size(self, size: int) -> None:
        """What the process writes beyond this size fails, as on a full disk; -1 lifts it."""
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size, -1))

    def kill(self) -> None:
        """SIGKILL, as in a power cut."""
        self._end(signal.SIGKILL)

    def count(self, where: str) -> int:
        """How many rows there are in a table, or in a part of it."""
        query = f"SELECT count(*) FROM {{}}{where}"  # noqa: S608
        if self.spool:
            with psycopg.connect(self.spool) as connection:
                ((count,),) = connection.execute(query.format("passerelle.").encode()).fetchall()
                return int(count)
        with sqlite3.connect(f"file:{self.state}/relay.db?mode=ro", uri=True) as db:
            ((count,),) = db.execute(query.format("")).fetchall()
        return int(count)

    def terminate(self) -> int:
        """SIGTERM, as systemd stops a service; the exit code."""
        return self._end(signal.SIGTERM)

    def wait(self, seconds: float = 10.0) -> int:
        """Wait until it ends by itself; the exit code."""
        assert self._process is not None
        return self._process.wait(seconds)

    def close(self) -> None:
        """End it if it runs, and see that it showed no secret."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._notify.shutdown(socket.SHUT_RDWR)
        for secret in (TOKEN, self._hook_url.rsplit("/", 1)[1], PASSWORD):
            assert secret not in self.text
        assert "Traceback" not in self.text

    def _listen(self) -> None:
        with self._notify:
            while message := self._notify.recv(4096):
                self.notified += message.decode().splitlines()
                self.notified_at = time.monotonic()

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(15)


def stored(relay: Relay) -> list[str]:
    """The keys in the outbox, then those that wait to be announced, as another process sees them on the disk."""
    waiting = " UNION ALL SELECT 2, id, delivery_key FROM {0}received"
    query = f"SELECT 1, id, delivery_key FROM {{0}}outbox{waiting * (relay.kind == 'gitlab')} ORDER BY 1, 2"  # noqa: S608
    if relay.spool:
        with psycopg.connect(relay.spool) as connection:
            return [key for _, _, key in connection.execute(query.format("passerelle.").encode())]
    with sqlite3.connect(f"file:{relay.state}/relay.db?mode=ro", uri=True) as db:
        return [key for _, _, key in db.execute(query.format(""))]


def pending(relay: Relay) -> int:
    """How many deliveries of GitLab have yet to be looked into."""
    return int(str(health(relay)[1]["pending"]))


def undelivered(relay: Relay) -> int:
    """How many deliveries of GitLab have yet to be looked into, and how many notifications to be posted."""
    figures = health(relay)[1]
    return int(str(figures["backlog"])) + int(str(figures.get("pending", figures.get("untold", 0))))


def health(relay: Relay) -> tuple[int, dict[str, object]]:
    """The status and the figures of /health."""
    answer = requests.get(f"http://127.0.0.1:{relay.port}/health", timeout=10)
    return answer.status_code, answer.json()
