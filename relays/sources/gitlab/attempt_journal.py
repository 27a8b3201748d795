"""Which deliveries this process is processing, written down where the next process finds it.

In a file and not in the spool: to note it there would take a commit for each event, and who shares the spool could not
distinguish those of a process that has died from those of one that lives. It need not outlive a power cut, which is no
delivery's fault, so nothing waits for the disk.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from relays.base.settings import StartError

# Set aside at the start, so that a full disk is in the way of nothing afterwards.
_BYTES = 16 * 1024
_NONE = b"0\n"


class AttemptJournal:
    """The file at `path`, which is made if it is not there. StartError if that cannot be."""

    def __init__(self, path: Path) -> None:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._file = os.fdopen(file, "r+b", buffering=0)
            os.posix_fallocate(file, 0, _BYTES)
        except OSError as error:
            raise StartError(
                f"{path} cannot be written ({error.strerror}): see to its disk", os.EX_IOERR
            ) from None

    def left(self) -> list[str]:
        """The keys of the deliveries that a process was looking into when it ended, none if it was not."""
        try:
            count, *keys = os.pread(self._file.fileno(), _BYTES, 0).decode("ascii").splitlines()
            return keys[: int(count)]
        except ValueError:  # a new one, or one that a power cut has garbled
            return []

    def begin(self, keys: Sequence[str]) -> None:
        """They are processed from now on."""
        self._write("\n".join([str(len(keys)), *keys, ""]).encode("ascii"))

    def end(self) -> None:
        """Nothing is any more."""
        self._write(_NONE)

    def _write(self, content: bytes) -> None:
        os.pwrite(self._file.fileno(), content, 0)
