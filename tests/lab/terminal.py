"""A program at a terminal, as a person sits before it: what it prints is waited for, answers are typed."""

import contextlib
import os
import pty
import select
import subprocess
import time
from pathlib import Path

from tests.waiting import wait_until


class Terminal:
    """The program that runs, and all that it has printed so far."""

    def __init__(self, command: list[str], cwd: Path, environment: dict[str, str]) -> None:
        self.output = ""
        self._seen = 0
        self._master, slave = pty.openpty()
        # A terminal of its own, so that what is typed there (Ctrl-C) reaches all of its processes; whoever runs the
        # tests in the background may have it ignored.
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", "env", "--default-signal=INT", *command],
            cwd=cwd,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def wait_for(self, text: str, seconds: float = 120) -> None:
        """Until it has printed the text, after what was waited for before."""
        deadline = time.monotonic() + seconds
        while text not in self.output[self._seen :]:
            assert time.monotonic() < deadline, f"no {text!r} in:\n{self.output}"
            assert self._read(), f"it ended without {text!r}:\n{self.output}"
        self._seen = self.output.index(text, self._seen) + len(text)

    def type(self, answer: str) -> None:
        """Answer, and Enter."""
        os.write(self._master, f"{answer}\n".encode())

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.write(self._master, b"\x03")

    def wait_until_it_reads(self) -> None:
        """Until the program reads what is typed; a Ctrl-C between its prompt and that is noticed after the next key."""
        process = Path(f"/proc/{self._process.pid}")

        def reads() -> bool:
            # The number of the call that it is in and its arguments, or "running".
            _, *arguments = (process / "syscall").read_text().split()
            with contextlib.suppress(OSError):  # the first argument is none of its files
                open_file = (process / "fd" / str(int(arguments[0], 16))).readlink() if arguments else Path()
                return open_file.is_relative_to("/dev")
            return False

        wait_until("a prompt", reads)

    def end(self, seconds: float = 300) -> int:
        """Its exit code, once it has ended."""
        deadline = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < deadline, self.output
        code = self._process.wait(timeout=30)
        os.close(self._master)
        return code

    def _read(self) -> bool:
        """Take what it has printed; False once there is nothing more to come."""
        ready, _, _ = select.select([self._master], [], [], 1)
        if not ready:
            return True
        with contextlib.suppress(OSError):  # nobody holds the other side any more
            if data := os.read(self._master, 65536):
                self.output += data.decode(errors="replace").replace("\r\n", "\n")
                return True
        return False
