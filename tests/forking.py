"""Programs of this repository as processes that are forked off one in which their modules are loaded already.

Most of what a start costs are imports, and the tests start relays and stand-ins by the hundreds. Such a process has
its own environment, folder, output, signals and exit code; but its command line is that of the process that it comes
from, and it holds what that one has loaded in its memory.
"""

import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from multiprocessing import connection, forkserver, get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

_PROJECT = Path(__file__).parents[1]
_CONTEXT = get_context("forkserver")
# An exit code can be read once, and a start looks at those of all that were started before.
_LOCK = Lock()


class Forked:
    """`python -m module arguments` with this environment, in this folder.

    What it writes is added to `output`, or to `errors` what it complains of; it reads what is in `given`, or nothing.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        output: Path,
        errors: Path | None = None,
        given: Path = Path(os.devnull),
        env: Mapping[str, str] = os.environ,
        cwd: Path = _PROJECT,
    ) -> None:
        _start_server()
        streams = [str(path.absolute()) for path in (given, output, errors or output)]
        started = (module, arguments, dict(env), str(cwd), streams)
        # It is ended with the tests, if none of them has done so.
        self._process = _CONTEXT.Process(target=_be, args=started, daemon=True)
        with _LOCK:
            self._process.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, that of a signal below zero; None while it runs."""
        with _LOCK:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends; the exit code."""
        connection.wait([self._process.sentinel], timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


def run(module: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """What has come of a program that reads this and ends, as of subprocess.run."""
    with TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("given", "output", "errors")]
        files[0].write_text(given)
        code = Forked(module, *arguments, given=files[0], output=files[1], errors=files[2]).wait(60)
        printed = [each.read_text() for each in files[1:]]
    return subprocess.CompletedProcess([module, *arguments], code, *printed)


@cache
def _start_server() -> None:
    _CONTEXT.set_forkserver_preload(["tests.loaded"])
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(_PROJECT)
    try:
        forkserver.ensure_running()
    finally:
        del os.environ["PYTHONPATH"]
        if before is not None:
            os.environ["PYTHONPATH"] = before


def _be(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], folder: str, streams: Sequence[str]
) -> None:
    """In the new process: be as one that was executed, and run the program."""
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    for number, path in enumerate(streams):
        with Path(path).open("ab" if number else "rb") as stream:
            os.dup2(stream.fileno(), number)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
