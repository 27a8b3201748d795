"""Finds out who brought a document, beside the work on the tree, which never waits for an answer.

The tree asks about each document and asks again: it gets the answer, or `NOTHING` once the time for one is over, or
None, for wait. While there is trouble, nobody waits.
"""

import logging
import math
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import PurePosixPath

from relays.nextcloud.activity import Activity, Deed
from relays.nextcloud.cloud import Account, Cloud, CloudError
from relays.nextcloud.news import Kind
from relays.worker import Worker

log = logging.getLogger(__name__)

LONGEST_SECONDS = 3.0
_ANSWER_SECONDS = 8.0
_PATIENCE_SECONDS = 120.0
_IDLE_SECONDS = 10.0
# A document is in its place 20 ms before Nextcloud has written its row (measured on Nextcloud 32).
_SHORTEST_PAUSE = 0.02
_LONGEST_PAUSE = 0.8
_AFTER_TROUBLE_SECONDS = 5.0
# Each wrong password makes Nextcloud slower to answer for the address that it comes from.
_AFTER_REFUSAL_SECONDS = 3600.0
# Rows bear whole seconds, and a document may be touched once more after its row was written.
_TOLERANCE_SECONDS = 10.0
# A folder that moves may hold so much that its documents are found a while later.
_FOLDER_SECONDS = 60.0
_MOST_REMEMBERED = 20_000


@dataclass(frozen=True)
class Origin:
    """Who it was, and an address that opens the document; both may be empty."""

    who: str = ""
    link: str = ""


NOTHING = Origin()


@dataclass(frozen=True)
class _Question:
    """About a document of the account's files; what was done before `since` is not meant."""

    kind: Kind
    since: float
    asked_at: float
    until: float


class Inquiry(Worker):
    """Answers from the activity of an account."""

    def __init__(self, account: Account) -> None:
        super().__init__("inquiry", _PATIENCE_SECONDS)
        self._url = account.url
        self._activity = Activity(Cloud(account, _ANSWER_SECONDS))
        self._changed = threading.Condition()
        self._open: dict[str, _Question] = {}
        self._deeds: dict[str, Deed] = {}
        self._silent_until = 0.0
        self._trouble = ""
        self._stopping = False

    def answer(self, path: str, kind: Kind, since: float) -> Origin | None:
        """Who did this to the document at a path of the account's files, not before `since`; None: ask again.

        Never waits. An answer is given once.
        """
        now = time.monotonic()
        with self._changed:
            question = self._open.get(path)
            if question is None or question.kind is not kind:
                question = _Question(kind, since, time.time(), now + LONGEST_SECONDS)
            found = self._find(path, question)
            if found is None and now < question.until and now >= self._silent_until:
                if path not in self._open:
                    self._changed.notify()
                self._open[path] = question
                return None
            self._open.pop(path, None)
            return found or NOTHING

    def link(self, number: int) -> str:
        """The address that opens the file with a number."""
        return f"{self._url}/index.php/f/{number}"

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def work(self) -> None:
        while self._wait_for_question():
            try:
                self._read()
            except CloudError as error:
                refused = error.status == HTTPStatus.UNAUTHORIZED
                pause = _AFTER_REFUSAL_SECONDS if refused else _AFTER_TROUBLE_SECONDS
                with self._changed:
                    self._silent_until = time.monotonic() + pause
                self._tell(str(error), error.remedy)
            else:
                self._tell("")

    def _wait_for_question(self) -> bool:
        """Wait until there is something to be found out, and a little; False if the service ends."""
        with self._changed:
            while not self._stopping:
                self.beat()
                now = time.monotonic()
                # Documents that vanished are not asked about again.
                self._open = {
                    path: each for path, each in self._open.items() if now < each.until + _IDLE_SECONDS
                }
                asked = [each.until - LONGEST_SECONDS for each in self._unanswered().values()]
                if asked and now >= self._silent_until:
                    pause = min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, (now - max(asked)) / 2))
                    return not self._changed.wait_for(lambda: self._stopping, pause)
                self._changed.wait(_IDLE_SECONDS)
            return False

    def _read(self) -> None:
        """Read what is new, as far back as a question goes."""
        read: set[str] = set()
        for deeds in self._activity.deeds():
            self.beat()
            with self._changed:
                for deed in deeds:
                    before = self._deeds.get(deed.path)
                    # The newest comes first, and what was read before is older.
                    if deed.path not in read and (before is None or deed.at >= before.at):
                        self._deeds[deed.path] = deed
                    read.add(deed.path)
                self._forget_oldest()
                open_since = [each.since for each in self._unanswered().values()]
            if (
                not open_since
                or min((deed.at for deed in deeds), default=math.inf) < min(open_since) - _TOLERANCE_SECONDS
            ):
                return

    def _unanswered(self) -> dict[str, _Question]:
        now = time.monotonic()
        return {
            path: each for path, each in self._open.items() if now < each.until and not self._find(path, each)
        }

    def _find(self, path: str, question: _Question) -> Origin | None:
        deed = self._deeds.get(path)
        if (
            deed is not None
            and deed.at >= question.since - _TOLERANCE_SECONDS
            and deed.is_deletion is (question.kind is Kind.DELETED)
        ):
            return Origin(deed.who, "" if deed.is_deletion else self.link(deed.number))
        if question.kind is Kind.MOVED_IN:
            # What came with its folder has no row of its own.
            for folder in PurePosixPath(path).parents:
                moved = self._deeds.get(str(folder))
                if moved is not None and moved.is_move and moved.at >= question.asked_at - _FOLDER_SECONDS:
                    return Origin(moved.who)
        return None

    def _forget_oldest(self) -> None:
        if len(self._deeds) > _MOST_REMEMBERED:
            newest = sorted(self._deeds.values(), key=lambda deed: deed.at)[_MOST_REMEMBERED // 2 :]
            self._deeds = {deed.path: deed for deed in newest}

    def _tell(self, trouble: str, remedy: str = "") -> None:
        if trouble == self._trouble:
            return
        if not trouble:
            log.info("inquiry works again")
        elif remedy:
            log.error(
                "inquiry trouble reason=%s: %s; documents are announced without who brought them",
                trouble,
                remedy,
            )
        else:
            log.warning(
                "inquiry trouble reason=%s: Nextcloud is asked again; documents are announced without who brought them",
                trouble,
            )
        self._trouble = trouble
