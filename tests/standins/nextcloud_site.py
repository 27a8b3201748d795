"""A running Nextcloud stand-in, and what the kernel says of its tree, for the tests beside this file."""

import ctypes
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import requests

from tests.forking import Forked
from tests.waiting import wait_until

ADMIN, PASSWORD = "admin", "lab-only"
TREE = "files/Documents_RH"
WEB_USER = 33  # www-data of Debian and of the official image

# The interpreter may lie where other users cannot start it.
_AS_USER = """
import os, sys
from lab.standins.nextcloud.occ.cli import main
user = int(sys.argv[1])
os.setgroups([]); os.setgid(user); os.setuid(user)
sys.exit(main(sys.argv[2:]))
"""

_PORT = re.compile(r"running on http://127\.0\.0\.1:(\d+)")


@dataclass
class Site:
    """The process, its folder and an authenticated session."""

    root: Path
    process: Forked
    port: int
    http: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def home(self) -> Path:
        return self.root / "data" / ADMIN

    @property
    def tree(self) -> Path:
        return self.home / TREE

    def dav(self, method: str, path: str, **options: object) -> requests.Response:
        """Request on the user's files; `path` is not yet percent-encoded."""
        address = f"{self.url}/remote.php/dav/files/{ADMIN}/{quote(path)}"
        return self.http.request(method, address, timeout=20, **options)  # type: ignore[arg-type]

    def destination(self, path: str) -> dict[str, str]:
        return {"Destination": f"http://cloud.taaf.internal/remote.php/dav/files/{ADMIN}/{quote(path)}"}

    def occ(
        self, *arguments: str, user: int | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run occ as the current user, or (for root) as another one."""
        module = ["-m", "lab.standins.nextcloud.occ"] if user is None else ["-c", _AS_USER, str(user)]
        return subprocess.run(
            [sys.executable, *module, "--root", str(self.root), *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            env=os.environ | environment,
        )

    def share(self, path: str, recipient: str = "") -> str:
        """Share a folder of the administrator's with an account, or by a link; the token of the link."""
        answer = self.http.post(
            f"{self.url}/ocs/v2.php/apps/files_sharing/api/v1/shares",
            params={"format": "json"},
            headers={"OCS-APIRequest": "true"},
            data={"path": path, "shareType": 0 if recipient else 3, "shareWith": recipient},
            timeout=20,
        )
        answer.raise_for_status()
        return str(answer.json()["ocs"]["data"]["token"])

    def activity(
        self, auth: tuple[str, str] | None = None, filter: str = "all", **query: str | int
    ) -> requests.Response:
        """Ask for the activity of an account, the administrator's unless `auth` is given."""
        return requests.get(
            f"{self.url}/ocs/v2.php/apps/activity/api/v2/activity/{filter}",
            params={"format": "json", **query},
            headers={"OCS-APIRequest": "true"},
            auth=auth or (ADMIN, PASSWORD),
            timeout=20,
        )

    def reset(self) -> None:
        """Empty the home and make the HR tree again."""
        for entry in self.http.request(
            "PROPFIND", f"{self.url}/remote.php/dav/files/{ADMIN}/", timeout=20
        ).text.split("<d:href>")[2:]:
            self.http.delete(self.url + entry.partition("<")[0], timeout=20).raise_for_status()
        self.http.delete(f"{self.url}/remote.php/dav/trashbin/{ADMIN}/trash", timeout=20).raise_for_status()
        shutil.rmtree(self.home / "files_versions", ignore_errors=True)
        for folder in ("Perso", "Documents_RH", *(f"Documents_RH/{name}" for name in SUBFOLDERS)):
            self.dav("MKCOL", folder).raise_for_status()


SUBFOLDERS = ("Contrats", "Fiches_Paie", "Conges")


@contextmanager
def running(root: Path | None = None, **environment: str) -> Iterator[Site]:
    """Start the stand-in, installed, in a folder of its own unless given one; stop it by its pid.

    The folder is open to other users down to the data folder, as /var/www/html is.
    """
    own = Path(tempfile.mkdtemp(prefix="nextcloud-")) if root is None else None
    folder = root or own
    assert folder is not None
    folder.chmod(0o755)
    with tempfile.NamedTemporaryFile(prefix="nextcloud-", suffix=".log") as log:
        process = start(folder, Path(log.name), **environment)
        try:
            site = Site(folder, process, _port(process, Path(log.name)))
            site.http.auth = (ADMIN, PASSWORD)
            yield site
        finally:
            process.kill()
            process.wait()
            if own:
                shutil.rmtree(own)


def start(root: Path, log: Path, **environment: str) -> Forked:
    """The bare process; what it says goes into the log."""
    account = {"NEXTCLOUD_ADMIN_USER": ADMIN, "NEXTCLOUD_ADMIN_PASSWORD": PASSWORD, "LANG": "C.UTF-8"}
    arguments = ["--port", "0", "--root", str(root)]
    return Forked("lab.standins.nextcloud", *arguments, output=log, env=os.environ | account | environment)


def _port(process: Forked, log: Path) -> int:
    def found() -> re.Match[str] | None:
        assert process.poll() is None, f"the stand-in did not start:\n{log.read_text()}"
        return _PORT.search(log.read_text())

    listens = wait_until("the stand-in listens", found, every=0.02)
    assert listens is not None
    return int(listens[1])


KINDS = {
    0x2: "MODIFY",
    0x4: "ATTRIB",
    0x8: "CLOSE_WRITE",
    0x40: "MOVED_FROM",
    0x80: "MOVED_TO",
    0x100: "CREATE",
    0x200: "DELETE",
}
_IS_DIR = 0x40000000
_PART = re.compile(r"^[0-9a-f]{32}\.ocTransferId\d+\.part$")

Event = tuple[str, str]
"""Path below the watched folder (part files as `*.part`) and kind, `(dir)` added for folders."""


class Recorder:
    """inotify on a folder and all below it, read on demand.

    The kernel queues an event before the write that caused it returns, so all events of a request are there when
    its answer is.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._folders: dict[int, Path] = {}
        self.events: list[Event] = []
        self._watch(root)

    def close(self) -> None:
        os.close(self._descriptor)

    def read(self) -> list[Event]:
        """All events so far, runs of equal ones collapsed."""
        while True:
            try:
                data = os.read(self._descriptor, 1 << 16)
            except BlockingIOError:
                return self.events
            while data:
                watch, mask, _, length = struct.unpack_from("iIII", data)
                name = data[16 : 16 + length].rstrip(b"\0")
                data = data[16 + length :]
                self._add(watch, mask, os.fsdecode(name))

    def _add(self, watch: int, mask: int, name: str) -> None:
        kind = KINDS.get(mask & 0xFFF)
        if kind is None or not name:
            return
        path = self._folders[watch] / name
        if mask & _IS_DIR and kind in {"CREATE", "MOVED_TO"}:
            self._watch(path)
        event = (shown(path.relative_to(self._root)), kind + ("(dir)" if mask & _IS_DIR else ""))
        if self.events[-1:] != [event]:
            self.events.append(event)

    def _watch(self, folder: Path) -> None:
        watch = self._libc.inotify_add_watch(self._descriptor, os.fsencode(folder), sum(KINDS))
        if watch < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch", str(folder))
        self._folders[watch] = folder
        for child in folder.iterdir():
            if child.is_dir():
                self._watch(child)


@contextmanager
def recording(root: Path) -> Iterator[Recorder]:
    recorder = Recorder(root)
    try:
        yield recorder
    finally:
        recorder.close()


def shown(path: Path) -> str:
    """Path with the name of a part file, which holds random digits, as `*.part`."""
    return str(path.with_name("*.part") if _PART.match(path.name) else path)


def of_path(events: Sequence[Event], path: str) -> list[str]:
    """Kinds of the events of one path, in order."""
    return [kind for where, kind in events if where == path]


def kill(site: Site) -> None:
    """SIGKILL, as a container that runs out of memory."""
    site.process.send_signal(signal.SIGKILL)
    site.process.wait()
