"""A PostgreSQL server of its own, from Debian's package, for whatever shares a spool."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lab.engine import need
from lab.progress import LabError
from tests.waiting import wait_until

PASSWORD = "pg4password9of7the2tests"

on_both_spools = pytest.mark.parametrize("spool", ["sqlite", "postgresql"], indirect=True)
"""For tests that have to come to the same whatever keeps the relay's store."""

also_on_postgresql = pytest.mark.parametrize(
    "spool", ["sqlite", pytest.param("postgresql", marks=pytest.mark.exhaustive)], indirect=True
)
"""The same for tests that take seconds: on PostgreSQL they run with all that is exhaustive."""


def programs() -> Path:
    """The folder of the newest installed server's programs; it is installed if there is none."""
    with (Path(tempfile.gettempdir()) / f"passerelle-postgresql-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _installed():
            need({"initdb": "postgresql"})
    return _installed()[-1]


def _installed() -> list[Path]:
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found and (elsewhere := shutil.which("initdb")):
        found = [Path(elsewhere).resolve().parent]
    return sorted(found, key=lambda path: path.parent.name.zfill(3))


class Cluster:
    """A server on a port of `host`, with its data in a temporary folder, that is stopped, killed and started."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host
        self._programs = programs()
        self.home = Path(tempfile.mkdtemp(prefix="passerelle-postgresql-"))
        # The server refuses to run as root; Debian's package has made a user for it.
        self._user = "postgres" if os.getuid() == 0 else None
        if self._user:
            shutil.chown(self.home, self._user, self._user)
        with socket.create_server((host, 0)) as free:
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """Make its data and start it."""
        word = self.home / "password"
        word.write_text(PASSWORD)
        word.chmod(0o644)
        options = [
            "--auth=scram-sha-256",
            "--username=relay",
            f"--pwfile={word}",
            "--encoding=UTF8",
            "--no-locale",
        ]
        self.command("initdb", "--no-sync", "-D", self.home / "data", *options)
        with (self.home / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet scram-sha-256\nhost replication all samenet scram-sha-256\n")
        self.start()

    def command(self, program: str, *arguments: object) -> None:
        """Run one of the server's programs as its user."""
        subprocess.run(
            [self._programs / program, *map(str, arguments)],
            cwd=self.home,
            check=True,
            capture_output=True,
            env={**os.environ, "PGPASSWORD": PASSWORD},
            **self._as_user(),
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = [
            f"-p{self.port}",
            f"-k{self.home}",
            f"-clisten_addresses={self._host}",
            "-cmax_connections=200",
        ]
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.home / "data", *options],
                stdout=log,
                stderr=log,
                cwd=self.home,
                **self._as_user(),
            )
        wait_until("PostgreSQL answers", self._answers, 60)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT breaks connections off in order, SIGQUIT is a crash that recovers at the next start."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)
            self._process = None

    @contextmanager
    def standby(self) -> Iterator["Cluster"]:
        """A running standby that has each commit before it is answered for, to be promoted."""
        other = Cluster()
        try:
            source = f"host=127.0.0.1 port={self.port} user=relay application_name=standby"
            self.command("pg_basebackup", "-D", other.home / "data", "-R", "-X", "stream", "-d", source)
            other.start()
            with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
                connection.execute("SELECT pg_reload_conf()")
                state = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
                wait_until("the standby follows", lambda: connection.execute(state).fetchone(), 60)
            yield other
        finally:
            other.remove()

    def promote(self) -> None:
        """Make a standby the server."""
        self.command("pg_ctl", "promote", "-D", self.home / "data", "-w")

    def remove(self) -> None:
        """Stop it and take its data away."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.home)

    def address(self, database: str) -> str:
        """The address of a database, password included."""
        return f"postgresql://relay:{PASSWORD}@{self._host}:{self.port}/{database}"

    def database(self) -> str:
        """The address of a new database that nobody else uses."""
        name = f"spool_{uuid.uuid4().hex}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} STRATEGY file_copy".encode())
        return self.address(name)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.address("postgres")).close()
        except psycopg.Error:
            return False
        return True

    def _as_user(self) -> dict[str, Any]:
        return {"user": self._user, "group": self._user, "extra_groups": []} if self._user else {}


@contextmanager
def cluster(host: str = "127.0.0.1") -> Iterator[Cluster]:
    """A running server; the test is left out, with the reason, where none can be had."""
    try:
        server = Cluster(host)
    except LabError as error:
        pytest.skip(f"PostgreSQL: {error}")
    try:
        server.create()
        yield server
    finally:
        server.remove()
