"""Finds out who brought a document, beside the work on the tree, which never waits for an answer.

The tree asks about each document and asks again: it gets the answer, or None, for wait. While there is trouble, nobody
waits.
"""

import math
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus

from relays.base.trouble import Trouble
from relays.base.worker import Worker
from relays.sources.nextcloud import dav
from relays.sources.nextcloud.activity import NOBODY, Act, Actor, Deed
from relays.sources.nextcloud.activity_log import ActivityLog
from relays.sources.nextcloud.activity_reader import ActivityReader
from relays.sources.nextcloud.attribution_rules import Found, Lack, Lacking, Question, answer
from relays.sources.nextcloud.cloud import AFTER_REFUSAL_SECONDS, Account, Cloud, CloudError
from relays.sources.nextcloud.dav import Resource
from relays.storage.engine import Database
from relays.storage.store import Store

LONGEST_SECONDS = 3.0
_ANSWER_SECONDS = 8.0
_TIMEOUT_SECONDS = 120.0
_IDLE_SECONDS = 10.0
# Read on now and then, so that there is little to be read when it is wanted.
_REFRESH_SECONDS = 300.0
_FIRST_SECONDS = 2.0
# A document is in its place 20 ms before Nextcloud has written its row (measured on Nextcloud 32).
_SHORTEST_PAUSE = 0.02
_LONGEST_PAUSE = 0.8
_AFTER_TROUBLE_SECONDS = 5.0


@dataclass(frozen=True)
class Uploader:
    """Who it was, and an address that opens the document, which may be empty.

    `is_found`: there was such a deed. `is_answer`: Nextcloud has reported all that was done.
    """

    actor: Actor = NOBODY
    link: str = ""
    is_found: bool = False
    is_answer: bool = False


UNASKED = Uploader()


@dataclass
class _Open:
    """A question without an answer, with what was looked up for it, when it was asked, and when it was last.

    `found` is what was found among the first `looked` deeds.
    """

    question: Question
    timeout: float
    asked: float
    again: float
    looked: int = -1
    found: Found | Lacking | None = None


class UploaderResolver(Worker):
    """Answers from the activity of an account; how far that was read is kept in `store`."""

    def __init__(self, account: Account, store: Store) -> None:
        super().__init__("uploader", _TIMEOUT_SECONDS)
        self._account = account
        self._cloud = Cloud(account, _ANSWER_SECONDS)
        self._reading = ActivityReader(account, self._cloud, store, self._put)
        self._changed = threading.Condition()
        self._ledger = ActivityLog()
        self._open: dict[Question, _Open] = {}
        # When the last reading was begun that read all.
        self._read_at = 0.0
        self._refresh_at = time.monotonic() + _FIRST_SECONDS
        self._silent_until = 0.0
        self._trouble = Trouble(
            "uploader lookup",
            retry="it is retried",
            meanwhile="documents are announced without who brought them",
        )
        self._stopping = False

    def answer(self, question: Question, timeout: float) -> Uploader | None:
        """Who did it; None: ask again. Never waits.

        There can be no answer any more once all is read that was done up to so many seconds after the first asking.
        """
        now = time.monotonic()
        with self._changed:
            asked = self._open.get(question) or _Open(question, timeout, now, now)
            asked.again = now
            found = self._find(asked)
            is_over = now >= asked.asked + LONGEST_SECONDS or now < self._silent_until
            if isinstance(found, Found) or is_over or self._is_vain(asked):
                self._open.pop(question, None)
                return self._origin(found, is_answer=self._read_at > asked.asked)
            if question not in self._open:
                self._open[question] = asked
                self._changed.notify()
            return None

    def settle(self, path: str) -> None:
        """What was done so far to the document at a path of the account's files is accounted for."""
        with self._changed:
            self._ledger.settle(path)

    def link(self, number: int) -> str:
        """The address that opens the file with a number."""
        return f"{self._account.url}/index.php/f/{number}" if number else ""

    @property
    def position(self) -> int | None:
        """How far the activity was read; for `save`."""
        return self._reading.position

    def save(self, db: Database, position: int) -> None:
        """Have the activity accounted for so far."""
        self._reading.save(db, position)

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def work(self) -> None:
        while self._wait_for_question():
            started = time.monotonic()
            try:
                if self._reading.read(self.beat, self._oldest()):
                    self._read_at = started
                self._refresh_at = started + _REFRESH_SECONDS
                self._look_up()
            except CloudError as error:
                refused = error.status == HTTPStatus.UNAUTHORIZED
                pause = AFTER_REFUSAL_SECONDS if refused else _AFTER_TROUBLE_SECONDS
                with self._changed:
                    self._silent_until = time.monotonic() + pause
                self._trouble.report(str(error), error.remedy)
            else:
                self._trouble.report()

    def _wait_for_question(self) -> bool:
        """Wait until there is something to be found out, and a little; False if the service ends."""
        with self._changed:
            while not self._stopping:
                self.beat()
                now = time.monotonic()
                # Documents that vanished, or have changed since, are not asked about again.
                self._open = {
                    each: asked for each, asked in self._open.items() if now < asked.again + _IDLE_SECONDS
                }
                waiting = [
                    asked.asked
                    for asked in self._open.values()
                    if not isinstance(self._find(asked), Found) and now < asked.asked + LONGEST_SECONDS
                ]
                if now >= self._silent_until and (waiting or now >= self._refresh_at):
                    since = now - max(waiting) if waiting else 0.0
                    pause = min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, since / 2))
                    return not self._changed.wait_for(lambda: self._stopping, pause)
                self._changed.wait(_IDLE_SECONDS)
            return False

    def _oldest(self) -> float:
        """How far back the questions go that bear a time of the disk, in seconds since the epoch."""
        with self._changed:
            return min((each.since for each in self._open if each.changed is not None), default=math.inf)

    def _put(self, deeds: Iterable[Deed]) -> None:
        with self._changed:
            for deed in deeds:
                self._ledger.put(deed)

    def _find(self, asked: _Open) -> Found | Lacking | None:
        if asked.looked != self._ledger.end:
            asked.looked, asked.found = self._ledger.end, answer(self._ledger, asked.question)
        return asked.found

    def _is_vain(self, asked: _Open) -> bool:
        return not isinstance(self._find(asked), Lacking) and self._read_at >= asked.asked + asked.timeout

    def _look_up(self) -> None:
        """Ask for what is lacking, which is seldom."""
        folders: dict[str, list[_Open]] = defaultdict(list)
        with self._changed:
            found = [(asked, self._find(asked)) for asked in self._open.values()]
        for asked, lacking in found:
            if not isinstance(lacking, Lacking):
                continue
            self.beat()
            if lacking.what is Lack.AUTHOR:
                authors = dav.authors(self._cloud, lacking.number)
                self._note(asked, replace(asked.question, author=authors.get(asked.question.modified, "")))
            else:
                folders[asked.question.path.rpartition("/")[0]].append(asked)
        for folder, inside in folders.items():
            self.beat()
            self._list(folder, inside)

    def _list(self, folder: str, asked: list[_Open]) -> None:
        wanted = {each.question.path.rpartition("/")[2] for each in asked}
        shown: dict[str, Resource] = {}

        def take(each: Resource) -> None:
            if each.name in wanted and not each.is_folder:
                shown[each.name] = each

        dav.read(self._cloud, dav.address_of(self._account.user, folder), 1, take)
        for each in asked:
            found = shown.get(each.question.path.rpartition("/")[2])
            number, uploaded = (found.number, found.uploaded) if found else (None, 0)
            self._note(each, replace(each.question, number=number, uploaded=uploaded))

    def _note(self, asked: _Open, question: Question) -> None:
        with self._changed:
            asked.question, asked.looked = question, -1

    def _origin(self, found: Found | Lacking | None, is_answer: bool) -> Uploader:
        if not isinstance(found, Found):
            return Uploader(is_answer=is_answer)
        link = "" if found.deed.act is Act.DELETED else self.link(found.number)
        return Uploader(self._reading.named(found.deed.actor), link, is_found=True, is_answer=True)
