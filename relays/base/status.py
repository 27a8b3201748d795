"""The status of a relay as data, for the operators' commands and the doctor: JSON in its runtime directory.

The line that systemd shows (STATUS=) is for people, in the language of the site, and is read by nobody else.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

VERSION = 1
"""Of the form of the status. What is added does not change it; what is taken out or means something else does."""
NAME = "status.json"
_ACCESS = 0o644


class StatusFile:
    """The file `status.json` in $RUNTIME_DIRECTORY; none outside a service of systemd's."""

    def __init__(self) -> None:
        folder = os.environ.get("RUNTIME_DIRECTORY")
        self._path = Path(folder, NAME) if folder else None
        self._written = ""

    def write(self, status: Mapping[str, object]) -> None:
        """Put a status in the place of the one before, whole: who reads it meanwhile finds one of the two.

        One that says the same gets a new time alone.
        """
        if self._path is None:
            return
        text = json.dumps({"version": VERSION, **status}, ensure_ascii=False) + "\n"
        # Without room for it the relay goes on; the file is then as old as its time says.
        with suppress(OSError):
            if not (text == self._written and self._path.exists()):
                self._put(text, self._path)
            os.utime(self._path)
            self._written = text

    def _put(self, text: str, path: Path) -> None:
        beside = path.with_suffix(".new")
        beside.write_text(text, "utf-8")
        beside.chmod(_ACCESS)
        beside.replace(path)
