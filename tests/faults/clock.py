"""A clock that can be set, for a process: Debian's faketime."""

from pathlib import Path

import pytest

from lab.engine import need
from lab.progress import LabError


class Clock:
    """The wall clock of a process that is started `through` it; the monotonic one goes on as it does in a real jump.

    The test is left out, with the reason, where none can be had.
    """

    def __init__(self, file: Path) -> None:
        try:
            need({"faketime": "faketime"})
        except LabError as error:
            pytest.skip(f"libfaketime: {error}")
        self._file = file
        self.jump("+0")
        library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        self.through = (
            "env",
            f"LD_PRELOAD={library}",
            f"FAKETIME_TIMESTAMP_FILE={file}",
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        )

    def jump(self, offset: str) -> None:
        """Set the clock this far from the true time."""
        # In one step: the process reads the file whenever it asks for the time.
        fresh = self._file.with_name("fresh")
        fresh.write_text(offset)
        fresh.rename(self._file)
