"""What systemd does with a relay: starts it again when it ends, and ends it when it takes more memory than it may."""

import threading
import time
from pathlib import Path

from tests.relays.process import Relay
from tests.security.bounds import MEMORY_MAX_MEGABYTES

_LOOK_SECONDS = 0.002
# As RestartSec, on a faster clock.
_AGAIN_SECONDS = 0.2


class Supervisor:
    """Looks after a relay that was started, until the block ends; `ends` is how often it has ended, for memory or not.

    `peak` is the most memory, in MB, that it was seen with.
    """

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_after, daemon=True)
        self.ends = 0
        self.peak = 0.0

    def __enter__(self) -> "Supervisor":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _look_after(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            if self._relay.ended:
                self.ends += 1
                time.sleep(_AGAIN_SECONDS)
                self._relay.start()
            elif (now := _megabytes(self._relay.pid)) > MEMORY_MAX_MEGABYTES:
                self._relay.kill()
            else:
                self.peak = max(self.peak, now)


def _megabytes(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 2**20
    except (OSError, IndexError):  # it has just ended
        return 0.0
