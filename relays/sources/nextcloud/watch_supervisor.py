"""The watch on a tree, started anew when it fails, and whether it reaches all of the tree."""

import logging
import math
import time

from relays.sources.nextcloud.backend import Backend, Watching
from relays.sources.nextcloud.watch import Hints

log = logging.getLogger(__name__)

# A watch that fails for want of watches may succeed later, but not at once.
_RENEW_SECONDS = 60.0


class WatchSupervisor:
    """Watches the tree of `backend` as well as it can; `reason` is why it cannot, empty while it can."""

    def __init__(self, backend: Backend, hints: Hints) -> None:
        self._backend = backend
        self._hints = hints
        self._watch: Watching | None = None
        self._renew_at = 0.0
        self._suspects: set[str] = set()
        self._started = math.inf
        self.reason = ""

    @property
    def since(self) -> float:
        """Since when all is heard, in seconds since the epoch; infinity if not all is."""
        return math.inf if self.reason else self._started

    @property
    def failed(self) -> bool:
        """Whether a watch that was heard has ended."""
        return self._watch is not None and not self._watch.alive

    @property
    def unsure(self) -> bool:
        """Whether it has to be tended to again soon: what is unwatched now may just be new."""
        return bool(self._suspects) and not self.reason

    def tend(self) -> bool:
        """Start the watch, or start it anew if it has ended or misses folders.

        Whether something may have been missed, for a scan to find. A folder counts as missed at the second time.
        """
        problem = self._problem()
        renew = bool(problem) and time.monotonic() >= self._renew_at
        if renew:
            if self._watch is not None:
                self._renew_at = time.monotonic() + _RENEW_SECONDS
                log.warning("watching anew tree=%s reason=%s", self._backend.name, problem)
            problem = self._start() or self._problem()
        if problem and not self.reason:
            log.error(
                "unwatched tree=%s reason=%s: scanning it every few seconds instead;"
                " raise the limits: sysctl fs.inotify.max_user_watches and fs.inotify.max_user_instances",
                self._backend.name,
                problem,
            )
        elif self.reason and not problem:
            log.warning("heard again tree=%s", self._backend.name)
        self.reason = problem
        return renew or bool(problem)

    def stop(self) -> None:
        """Hear nothing more."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def _start(self) -> str:
        self.stop()
        try:
            self._watch = self._backend.watch(self._hints)
        except OSError as error:
            self._renew_at = time.monotonic() + _RENEW_SECONDS
            return error.strerror or type(error).__name__
        self._started = time.time()
        return ""

    def _problem(self) -> str:
        if self._watch is None:
            return self.reason or "not watched yet"
        if not self._watch.alive:
            return "the watch has ended"
        unwatched = self._watch.unwatched()
        lasting, self._suspects = unwatched & self._suspects, unwatched
        return f"{len(lasting)} folder(s) without a watch" if lasting else ""
