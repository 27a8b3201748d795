"""The source of the Nextcloud relay: from a tree that changes to notifications in the outbox."""

import logging
import os
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from queue import Empty

from relays.base.worker import Worker
from relays.delivery.outbox import Notification, Outbox
from relays.service import Service
from relays.sources.nextcloud import announcer as announcing
from relays.sources.nextcloud.announcer import Announcement
from relays.sources.nextcloud.attribution import Attribution
from relays.sources.nextcloud.backend import Backend
from relays.sources.nextcloud.burst_control import BurstControl
from relays.sources.nextcloud.changes import Kind
from relays.sources.nextcloud.index import Index
from relays.sources.nextcloud.options import TreeOptions
from relays.sources.nextcloud.taking import Taking
from relays.sources.nextcloud.timer_queue import TimerQueue
from relays.sources.nextcloud.tracker import Tracker
from relays.sources.nextcloud.watch import Hint, Hints
from relays.sources.nextcloud.watch_supervisor import WatchSupervisor
from relays.storage.engine import Database, StorageError
from relays.storage.store import Store

log = logging.getLogger(__name__)

_MISSING_SECONDS = 0.25
_LONGEST_MISSING_SECONDS = 60.0
_CHECK_SECONDS = 1.0
_ASKING_SECONDS = 0.02
# A scan finds what was not heard. Where a part of the tree cannot be heard, nothing else does.
_SCAN_SECONDS = 60.0
_DEAF_SCAN_SECONDS = 3.0
# How much of a core the scans may take, however large the tree is.
_SHARE = 0.005
_DEAF_SHARE = 0.05
_STORAGE_SECONDS = 1.0
_HINTS_AT_ONCE = 1000
# Time for a scan of a very large tree on a slow disk.
_TIMEOUT_SECONDS = 120.0


class TreeSource(Worker):
    """Announces what happens to the documents of the tree of `backend`.

    A tree that is replaced by another one (renamed, deleted, created again) ends the service with EX_TEMPFAIL, and so
    does one that is missing for a minute: only a fresh start sees the new one through a bind mount. The index then
    says what is new in it. Other trees of the service are watched meanwhile.

    `converses`: each document has a conversation, where a bot posts that can answer in it. `taking` is where it is kept
    who takes which, if people can say so.
    """

    def __init__(
        self,
        service: Service,
        backend: Backend,
        options: TreeOptions,
        attribution: Attribution,
        *,
        converses: bool = False,
        taking: Taking | None = None,
    ) -> None:
        super().__init__("tree", _TIMEOUT_SECONDS)
        self._born = time.time()
        self._service = service
        self._backend = backend
        self._options = options
        self._burst_control = BurstControl(options)
        self._attribution = attribution
        self._converses = converses
        self._taking = taking
        self._store: Store = service.store
        self._outbox: Outbox = service.outbox
        self._stopping = threading.Event()
        self._hints = Hints()

    def stop(self) -> None:
        self._stopping.set()
        self._hints.put(Hint(""))

    def work(self) -> None:
        self._index = Index(self._store, self._backend.name)
        self._timers = TimerQueue()
        self._tracker = Tracker(self._backend, self._index, self._timers)
        self._hearing = WatchSupervisor(self._backend, self._hints)
        self._heard_since = 0.0
        identity = self._wait_for_tree()
        if identity is None:
            return
        try:
            self._tend_to_hearing()
            self._look_first()
            self._follow(identity)
        finally:
            self._hearing.stop()

    def _wait_for_tree(self) -> object | None:
        while not self._backend.is_known and not self._stopping.wait(_MISSING_SECONDS):
            self.beat()
            if self._backend.is_unreachable:
                self._note("status.tree.unreachable", tree=self._options.name, count=len(self._index))
        if self._stopping.is_set():
            return None
        identity = self._backend.identity()
        if identity is None:
            log.warning("waiting tree=%s: it does not exist yet", self._backend.name)
            self._note("status.tree.missing", tree=self._backend.name)
            # A first look at nothing is one as well: all that comes is new.
            self._flush()
        until = time.monotonic() + _LONGEST_MISSING_SECONDS
        while identity is None and not self._stopping.wait(_MISSING_SECONDS):
            self.beat()
            identity = self._backend.identity()
            if identity is None and time.monotonic() >= until:
                self._leave("missing")
        return identity

    def _leave(self, what: str) -> None:
        log.warning("%s tree=%s: starting again", what, self._backend.name)
        self._service.leave(os.EX_TEMPFAIL)
        self._stopping.wait()

    def _note(self, wording: str, **values: object) -> None:
        data = {"state": wording.removeprefix("status.tree."), "documents": values.get("count")}
        self._service.note(self._backend.name, self._service.wording[wording].format(**values), **data)

    def _look_first(self) -> None:
        before = self._born if self._index.known_before is None else self._index.known_before
        if self._index.known_before is None and not self._index.is_new:
            self._tracker.resume()
        else:
            for _ in self._tracker.record(before):
                self._store_part()
        self._flush()
        log.info("watching tree=%s documents=%d", self._backend.name, len(self._index))

    def _follow(self, identity: object) -> None:
        self._timers.put(self._scan_seconds(0.0), self._scan_again, "")
        self._tend_if_unsure("")
        check_at = 0.0
        while not self._stopping.is_set():
            self.beat()
            heard_all = self._take_hints()
            self._timers.run()
            if heard_all and self._tracker.has_lost and self._backend.identity() == identity:
                self._tracker.forget()
            self._flush()
            if time.monotonic() < check_at:
                continue
            check_at = time.monotonic() + _CHECK_SECONDS
            state = (
                "unreachable"
                if self._backend.is_unreachable
                else "scanned"
                if self._hearing.reason
                else "watched"
            )
            self._note(f"status.tree.{state}", tree=self._options.name, count=len(self._index))
            if self._backend.identity() != identity:
                self._leave("replaced")
            elif self._hearing.failed and not self._hearing.reason:
                self._tend("")

    def _tend_to_hearing(self) -> bool:
        """Whether something may have been missed."""
        is_unwatched = self._hearing.tend()
        if self._hearing.since != self._heard_since:
            self._heard_since = self._hearing.since
            self._tracker.hears("", self._heard_since)
        return is_unwatched

    def _tend(self, folder: str) -> None:
        started = time.thread_time()
        if self._tend_to_hearing():
            self._scan(folder, started)
        self._tend_if_unsure(folder)

    def _tend_if_unsure(self, folder: str) -> None:
        if self._hearing.unsure:
            self._timers.put(_DEAF_SCAN_SECONDS, self._tend, folder)

    def _scan_again(self, folder: str) -> None:
        started = time.thread_time()
        self._tend_to_hearing()
        self._scan(folder, started)
        self._tend_if_unsure(folder)

    def _scan(self, folder: str, started: float) -> None:
        self._tracker.scan(folder)
        self._timers.put(self._scan_seconds(time.thread_time() - started), self._scan_again, folder)

    def _scan_seconds(self, cost: float) -> float:
        """Seconds until the next scan, after one that cost so many of a core."""
        if self._hearing.reason:
            return max(_DEAF_SCAN_SECONDS, cost / _DEAF_SHARE)
        return max(_SCAN_SECONDS, cost / _SHARE)

    def _take_hints(self) -> bool:
        """Look where the hints say; whether that was at all of them."""
        try:
            hint = self._hints.get(
                timeout=self._timers.wait(_ASKING_SECONDS if self._attribution.awaited else _CHECK_SECONDS)
            )
            for _ in range(_HINTS_AT_ONCE):
                self._follow_hint(hint)
                hint = self._hints.get_nowait()
            self._follow_hint(hint)
        except Empty:
            return True
        return False

    def _follow_hint(self, hint: Hint) -> None:
        if self._stopping.is_set():
            return
        if hint.heard_since is not None:
            self._tracker.hears(hint.path, hint.heard_since)
            self._tracker.look_below(hint.path, moved_from=hint.moved_from)
        else:
            self._tracker.look(
                hint.path, created=hint.created, closed=hint.closed, moved_from=hint.moved_from
            )

    def _flush(self) -> None:
        """Make it durable: what the index knows and the notifications about it, in one transaction."""
        announcements = list(self._take())
        if not self._index.has_changes:
            return
        while not self._try_to_store([each.notification for each in announcements]):
            # Nothing is lost by a stop here: what is not stored is found again at the next start.
            if self._stopping.wait(_STORAGE_SECONDS):
                return
            self.beat()
        self._index.settled()
        for each in announcements:
            for line in each.lines:
                log.info("announced %s", line)

    def _store_part(self) -> None:
        """Make durable what the index has learnt so far of a tree that it does not know as a whole."""
        while not self._stopping.is_set():
            self.beat()
            with suppress(StorageError):
                self._store.submit(lambda db: self._index.apply(db, whole=False)).result()
                self._index.settled(whole=False)
                return
            self._stopping.wait(_STORAGE_SECONDS)

    def _take(self) -> Iterator[Announcement]:
        """What is to be announced now. What is not announced at all is known from now on."""
        ready = self._tracker.ready()
        quiet = {path for path, kind in ready.items() if kind not in self._options.announced}
        self._take_quietly(quiet)
        known = self._attribution.known(self._tracker, [path for path in ready if path not in quiet])
        dated = set(self._attribution.only_dated(known))
        self._take_quietly(dated)
        alone, together = self._burst_control.due([path for path in known if path not in dated])
        wording, has_button = self._service.wording, self._taking is not None
        kinds = {path: ready[path] for path in (*alone, *together)}
        # Before the index forgets the documents that are gone.
        conversations = self._conversations(kinds)
        for news in self._attribution.attributed(self._tracker.take_news(alone)):
            conversation = conversations.get(news.path, "")
            yield announcing.alone(self._options, wording, news, conversation, has_button=has_button)
        many = list(self._attribution.attributed(self._tracker.take_news(together)))
        yield from announcing.together(self._options, wording, many, conversations, has_button=has_button)
        for path, conversation in conversations.items():
            if kinds[path] is not Kind.DELETED:
                self._index.converse(path, conversation)

    def _conversations(self, kinds: Mapping[str, Kind]) -> dict[str, str]:
        """The conversations about these documents, by path; those about known ones go on."""
        if not self._converses:
            return {}
        return {
            path: (self._index.conversation(path) if kind in announcing.ANSWERS else "")
            or f"document:{uuid.uuid4().hex}"
            for path, kind in kinds.items()
        }

    def _take_quietly(self, paths: set[str]) -> None:
        self._tracker.take_news(paths)
        self._attribution.settled(paths)

    def _try_to_store(self, notifications: list[Notification]) -> bool:
        def make(db: Database) -> list[Notification]:
            self._index.apply(db)
            self._attribution.save(db)
            if self._taking is None:
                return notifications
            return self._taking.noted(db, self._backend.name, self._options, notifications)

        try:
            self._outbox.put(make).result()
        except StorageError:
            return False
        return True
