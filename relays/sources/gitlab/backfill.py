"""Gets in what GitLab could not deliver while the relay was down, for GitLab never sends an event again by itself.

At the start and then every five minutes, the relay reads GitLab's logs of deliveries and takes each one that failed
in the way of one that arrives: the key of a delivery is the same either way, so that one that was stored although
GitLab had given up is announced once, and so is one that was taken before a kill.

Each project has a log of its own, and one that cannot be read holds up no other.

Nothing of this is needed for what arrives: whatever is wrong with a log is announced once, and tried again.
"""

import json
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from typing import Any, TypeVar

from relays.base.errors import reason
from relays.base.trouble import Trouble
from relays.base.worker import Worker
from relays.sources.gitlab.backfill_state import BackfillState
from relays.sources.gitlab.delivery_log import PAGE_ENTRIES, DeliveryLog, DeliveryLogError, LogEntry
from relays.sources.gitlab.inbox import Delivery, Inbox
from relays.storage.engine import StorageError
from relays.storage.store import Store

log = logging.getLogger(__name__)

T = TypeVar("T")

INTERVAL_SECONDS = 300.0
# The clocks of GitLab's processes differ a little, and an entry is seen a little after its time.
_OVERLAP_SECONDS = 600.0
_ANSWER_SECONDS = 90.0
_TIMEOUT_SECONDS = INTERVAL_SECONDS + 2 * _ANSWER_SECONDS
# A log that goes on for longer than this is none.
_MOST_PAGES = 10_000
# What GitLab logs instead of a body that it does not keep.
_NOT_KEPT = (json.dumps({"oversize": True}), json.dumps({}))


class _StoppedError(Exception):
    """The service ends."""


class Backfill(Worker):
    """Takes what failed according to `hook_logs` into `received`, until `stop`."""

    def __init__(
        self,
        store: Store,
        received: Inbox,
        hook_logs: Sequence[DeliveryLog],
        interval: float = INTERVAL_SECONDS,
    ) -> None:
        super().__init__("backfill", _TIMEOUT_SECONDS)
        self._missed = BackfillState(store)
        self._received = received
        self._logs = hook_logs
        self._interval = interval
        self._stopped: Future[None] = Future()
        self._troubles = {
            each.project: Trouble(
                "backfill",
                where=f"project={each.project}",
                retry="GitLab is asked again",
                meanwhile="what arrives is accepted",
            )
            for each in hook_logs
        }

    def stop(self) -> None:
        if not self._stopped.done():
            self._stopped.set_result(None)

    def work(self) -> None:
        try:
            while True:
                self._turn()
                wait([self._stopped], timeout=self._interval)
                self._go_on()
        except _StoppedError:
            return

    def _turn(self) -> None:
        try:
            whole = [self._read_all(hook_log) for hook_log in self._logs]
            self._take(all(whole))
        except StorageError:
            return  # the store has logged it already

    def _read_all(self, hook_log: DeliveryLog) -> bool:
        """Note what failed in a project; whether all of it could be read."""
        trouble = self._troubles[hook_log.project]
        try:
            lost = sum(self._read(hook_log, hook) for hook in self._ask(hook_log.hooks))
        except DeliveryLogError as error:
            trouble.report(str(error), error.remedy)
            return False
        trouble.report(f"{lost} deliveries in the log are beyond what can be read" if lost else "")
        return True

    def _read(self, hook_log: DeliveryLog, hook: int) -> int:
        """Note what failed since the last reading; how much of it cannot be read."""
        known = self._missed.read_up_to(hook)
        newest, found, lost = known, 0, 0
        for number in range(1, _MOST_PAGES + 1):
            page = self._ask(partial(hook_log.failures, hook, number))
            lost += page.unreadable
            wanted = [each for each in page.entries if each.logged_at >= known - _OVERLAP_SECONDS]
            found += self._missed.note(hook, wanted)
            newest = max([newest, *(each.logged_at for each in wanted)])
            if len(wanted) + page.unreadable < PAGE_ENTRIES:
                break
        else:
            raise DeliveryLogError("the log has no end")
        if newest > known:
            self._missed.was_read(hook, newest)
        if found:
            log.info("missed hook=%d deliveries=%d: GitLab could not deliver them", hook, found)
        return lost

    def _take(self, whole: bool) -> None:
        """Take what is noted, in the order in which it failed; unless `whole`, only from logs that were read whole."""
        while waiting := self._missed.oldest(whole):
            self._go_on()
            hook, entry = waiting
            self._get_in(entry)
            self._missed.dealt_with(hook, entry)

    def _get_in(self, entry: LogEntry) -> None:
        if entry.body in _NOT_KEPT:
            log.error("lost key=%s entry=%d reason=GitLab did not keep its body", entry.key, entry.id)
        else:
            self._received.put(lambda: [Delivery(entry.key, entry.body.encode(), entry.event)]).result()

    def _ask(self, question: Callable[[], T]) -> T:
        """The answer of GitLab, in a thread that is left alone if it takes too long or the service ends."""
        answer: Future[T] = Future()

        def ask() -> None:
            try:
                answer.set_result(question())
            except DeliveryLogError as error:
                answer.set_exception(error)
            except Exception as error:
                answer.set_exception(DeliveryLogError(reason(error)))

        threading.Thread(target=ask, name="question to GitLab", daemon=True).start()
        either: list[Future[Any]] = [answer, self._stopped]
        wait(either, timeout=_ANSWER_SECONDS, return_when=FIRST_COMPLETED)
        self._go_on()
        if not answer.done():
            raise DeliveryLogError("no answer in time")
        return answer.result()

    def _go_on(self) -> None:
        if self._stopped.done():
            raise _StoppedError
        self.beat()
