"""Log lines for the journal: one line per event, `what key=value …`, on standard output."""

import logging
import os
import sys
import warnings

# Syslog levels, which journald takes from the start of a line.
_JOURNAL_LEVELS = {logging.WARNING: "<4>", logging.ERROR: "<3>", logging.CRITICAL: "<2>"}


class _Line(logging.Formatter):
    """One event, one line, whatever text from outside it holds."""

    def __init__(self, journal: bool) -> None:
        super().__init__("%(message)s")
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        line = message
        if not message.isprintable():
            line = "".join(character if character.isprintable() else "�" for character in message)
        return _JOURNAL_LEVELS.get(record.levelno, "<6>") + line if self._journal else line


def set_up() -> None:
    """Send the relay's lines to standard output, and silence those of others who could name a hook or a person."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Line(journal="JOURNAL_STREAM" in os.environ))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("relays").setLevel(logging.INFO)
    # urllib3 warns with the whole address, and the address of an incoming webhook is its secret.
    logging.getLogger("urllib3").propagate = False
    # Measured on watchdog 7.1: 15 kB per nested new directory, with the paths that are watched.
    warnings.filterwarnings("ignore", category=RuntimeWarning, module="watchdog")
