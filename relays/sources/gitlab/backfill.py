"""Gets in what GitLab could not deliver while the relay was down, for GitLab never sends an event again by itself.

At the start and then every five minutes, the relay reads GitLab's logs of deliveries and takes each one that failed
in the way of one that arrives: the key of a delivery is the same either way, so that one that was stored although
GitLab had given up is announced once, and so is one that was taken before a kill.

Each project has a log of its own, and one that cannot be read holds up no other.

Nothing of this is needed for what arrives: whatever is wrong with a log is announced once, and tried again.
"""

import json
import logging
from collections.abc import Sequence

from relays.base.trouble import Trouble
from relays.sources.gitlab.backfill_state import BackfillState
from relays.sources.gitlab.delivery_log import PAGE_ENTRIES, DeliveryLog, LogEntry
from relays.sources.gitlab.hook_logs import PatternLogs
from relays.sources.gitlab.inbox import Delivery, Inbox
from relays.sources.gitlab.reader import ANSWER_SECONDS, GitLabReader
from relays.sources.gitlab.rest import GitLabError
from relays.storage.engine import StorageError
from relays.storage.store import Store

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 300.0
# The clocks of GitLab's processes differ a little, and an entry is seen a little after its time.
_OVERLAP_SECONDS = 600.0
_TIMEOUT_SECONDS = INTERVAL_SECONDS + 2 * ANSWER_SECONDS
# A log that goes on for longer than this is none.
_MOST_PAGES = 10_000
# What GitLab logs instead of a body that it does not keep.
_NOT_KEPT = (json.dumps({"oversize": True}), json.dumps({}))


class Backfill(GitLabReader):
    """Takes what failed according to `hook_logs` into `received`, until `stop`."""

    def __init__(
        self,
        store: Store,
        received: Inbox,
        hook_logs: Sequence[DeliveryLog | PatternLogs],
        interval: float = INTERVAL_SECONDS,
    ) -> None:
        super().__init__("backfill", _TIMEOUT_SECONDS)
        self._missed = BackfillState(store)
        self._received = received
        self._logs = hook_logs
        self._interval = interval
        self._troubles: dict[str, Trouble] = {}

    def read(self) -> None:
        while True:
            self._turn()
            self.pause(self._interval)

    def _turn(self) -> None:
        try:
            whole = [self._read_all(each) for hook_log in self._logs for each in self._found(hook_log)]
            self._take(all(whole))
        except StorageError:
            return  # the store has logged it already

    def _found(self, hook_log: DeliveryLog | PatternLogs) -> Sequence[DeliveryLog | None]:
        """The log, or those that a pattern finds by now; None for those that it cannot."""
        if isinstance(hook_log, DeliveryLog):
            return [hook_log]
        trouble = self._trouble(hook_log.pattern.path)
        try:
            found = hook_log.found(self.ask)
        except GitLabError as error:
            trouble.report(str(error), error.remedy)
            return [None]
        trouble.report("")
        return found

    def _trouble(self, path: str) -> Trouble:
        return self._troubles.setdefault(
            path,
            Trouble(
                "backfill",
                where=f"project={path}",
                retry="GitLab is asked again",
                meanwhile="what arrives is accepted",
            ),
        )

    def _read_all(self, hook_log: DeliveryLog | None) -> bool:
        """Note what failed in a project; whether all of it could be read."""
        if hook_log is None:
            return False
        trouble = self._trouble(hook_log.api.path)
        try:
            lost = sum(self._read(hook_log, hook) for hook in self.ask(hook_log.hooks))
        except GitLabError as error:
            trouble.report(str(error), error.remedy)
            return False
        trouble.report(f"{lost} deliveries in the log are beyond what can be read" if lost else "")
        return True

    def _read(self, hook_log: DeliveryLog, hook: int) -> int:
        """Note what failed since the last reading; how much of it cannot be read."""
        known = self._missed.read_up_to(hook)
        newest, found, lost = known, 0, 0
        for number in range(1, _MOST_PAGES + 1):
            page = hook_log.failures(hook, number, self.ask)
            lost += page.unreadable
            wanted = [each for each in page.entries if each.logged_at >= known - _OVERLAP_SECONDS]
            found += self._missed.note(hook, wanted)
            newest = max([newest, *(each.logged_at for each in wanted)])
            if len(wanted) + page.unreadable < PAGE_ENTRIES:
                break
        else:
            raise GitLabError("the log has no end")
        if newest > known:
            self._missed.was_read(hook, newest)
        if found:
            log.info("missed hook=%d deliveries=%d: GitLab could not deliver them", hook, found)
        return lost

    def _take(self, whole: bool) -> None:
        """Take what is noted, in the order in which it failed; unless `whole`, only from logs that were read whole."""
        while waiting := self._missed.oldest(whole):
            self.go_on()
            hook, entry = waiting
            self._get_in(entry)
            self._missed.dealt_with(hook, entry)

    def _get_in(self, entry: LogEntry) -> None:
        if entry.body in _NOT_KEPT:
            log.error("lost key=%s entry=%d reason=GitLab did not keep its body", entry.key, entry.id)
        else:
            self._received.put(lambda: [Delivery(entry.key, entry.body.encode(), entry.event)]).result()
