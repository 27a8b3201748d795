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
        # A terminal of its own, so that what is typed there (Ctrl-C) reaches all of its processes.
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *command],
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

    def wait_until_it_waits(self) -> None:
        """Until the program sits at its prompt; what is typed while it is still setting that up, readline may lose."""

        def used() -> list[str]:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
            return [fields[0], *fields[11:13]]  # its state, and the time that it has had of the processor

        def waits() -> bool:
            before = used()
            time.sleep(0.3)
            return before[0] == "S" and before == used()

        wait_until("a prompt", waits)

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
