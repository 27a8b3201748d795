"""Threads whose progress can be seen from outside."""

import logging
import threading
import time
import traceback

log = logging.getLogger(__name__)


class Worker(threading.Thread):
    """A thread that does `work` and says `beat` whenever it gets on.

    It counts as healthy while it runs and its last beat is at most `timeout` seconds old, so that a watchdog
    sees a thread that hangs as well as one that died. One that has `retired` ended because nothing was left to do.
    """

    retired = False

    def __init__(self, name: str, timeout: float) -> None:
        super().__init__(name=name, daemon=True)
        self.timeout = timeout
        self._last_beat = time.monotonic()

    def beat(self) -> None:
        """Let the watchdog know that the work gets on."""
        self._last_beat = time.monotonic()

    @property
    def healthy(self) -> bool:
        """Whether the thread runs and gets on, or is not needed any more."""
        return self.retired or (self.is_alive() and time.monotonic() - self._last_beat <= self.timeout)

    @property
    def failed(self) -> bool:
        """Whether the thread has ended although it is needed."""
        return not (self.retired or self.is_alive())

    def run(self) -> None:
        """Do the work; an error ends the thread with one log line."""
        self.beat()
        try:
            self.work()
        except Exception as error:
            # The text of an error may hold the address of a hook, so only its kind and place are logged.
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.critical(
                "failed thread=%s error=%s at=%s:%s",
                self.name,
                type(error).__name__,
                place.name,
                place.lineno,
            )

    def work(self) -> None:
        """What the thread does until it is asked to stop."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ask the thread to end; returns at once."""
        raise NotImplementedError
