"""Who brought the documents of one tree: asked for each one before it is told."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from relays.engine import Database
from relays.nextcloud.inquiry import LONGEST_SECONDS, UNASKED, Inquiry, Origin
from relays.nextcloud.news import Kind, News
from relays.nextcloud.place import Place
from relays.nextcloud.questions import Question, seconds_back
from relays.nextcloud.tracker import Pending, Tracker
from relays.nextcloud.tree import Stat

# What shows over WebDAV is done, but for the last requests.
_SHOWN_SECONDS = 1.0


@dataclass(frozen=True)
class _Asked:
    pending: Pending
    question: Question
    patience: float
    # The same document with the same size and a later date.
    is_dated: bool
    answer: Origin | None = None


class Origins:
    """Of the tree at `place`, which `folder` is in the files of the account that is asked as.

    Nobody is asked without `inquiry`.
    """

    def __init__(self, inquiry: Inquiry | None, place: Place, folder: str) -> None:
        self._inquiry = inquiry
        self._place = place
        self._folder = folder
        self._asked: dict[str, _Asked] = {}
        self._position: int | None = None
        self.awaited = False

    def known(self, tracker: Tracker, paths: Sequence[str]) -> Sequence[str]:
        """Those of the paths that nothing more is waited for; what is asked about the others is `awaited`."""
        if self._inquiry is None:
            return paths
        # Before the answers: they come from what was read until then, and perhaps from more.
        self._position = self._inquiry.position
        asked = {path: self._ask(self._inquiry, tracker, path) for path in paths}
        self._asked = asked
        known = [path for path in paths if asked[path].answer is not None]
        self.awaited = len(known) < len(paths)
        return known

    def only_dated(self, paths: Iterable[str]) -> list[str]:
        """Those of the known paths at which a document got another date, and no other content as far as can be told.

        `occ files:scan` takes dates over from the disk; whoever changes a document in Nextcloud leaves a trace.
        """
        return [path for path in paths if self._inquiry is not None and _is_only_dated(self._asked[path])]

    def told(self, news: Iterable[News]) -> Iterator[News]:
        """The news with what is known of it."""
        for each in news:
            asked = self._asked.pop(each.path, None)
            origin = asked.answer if asked is not None and asked.answer is not None else UNASKED
            self.settled([each.path])
            yield replace(
                each, who=origin.actor.name, is_guest=origin.actor.is_guest, link=self._link(asked, origin)
            )

    def settled(self, paths: Iterable[str]) -> None:
        """What was done so far to the documents at these paths is accounted for."""
        if self._inquiry is not None:
            for path in paths:
                self._asked.pop(path, None)
                self._inquiry.told(f"{self._folder}/{path}")

    def save(self, db: Database) -> None:
        """Store how far what was done is accounted for."""
        if self._inquiry is not None and self._position is not None:
            self._inquiry.save(db, self._position)

    def _ask(self, inquiry: Inquiry, tracker: Tracker, path: str) -> _Asked:
        pending, asked = tracker.about(path), self._asked.get(path)
        if asked is None or asked.pending != pending:
            asked = self._question(path, pending, tracker.known(path))
        if asked.answer is None:
            asked = replace(asked, answer=inquiry.answer(asked.question, asked.patience))
        return asked

    def _question(self, path: str, pending: Pending, known: Stat | None) -> _Asked:
        seen = pending.seen
        question = Question(
            self._folder,
            f"{self._folder}/{path}",
            pending.kind,
            is_replaced=pending.kind is Kind.VERSION and known is not None and known.inode != seen.inode,
            since=pending.after,
            modified=seen.mtime_ns // 1_000_000_000,
        )
        if seen.is_certain:
            question = replace(
                question,
                number=seen.inode,
                uploaded=self._place.uploaded(path) or 0,
            )
            patience = _SHOWN_SECONDS
        else:
            back = seconds_back(seen.ctime_ns, seen.mtime_ns)
            question = replace(question, since=seen.ctime - back, changed=seen.ctime)
            # A document that is new on the disk may be so for a moment before there is a row of it.
            patience = LONGEST_SECONDS if pending.kind in (Kind.NEW, Kind.MOVED_IN) else 0.0
        is_dated = (
            pending.kind is Kind.VERSION
            and seen.is_certain
            and known is not None
            and (known.inode, known.size) == (seen.inode, seen.size)
            and known.mtime_ns < seen.mtime_ns
        )
        return _Asked(pending, question, patience, is_dated=is_dated)

    def _link(self, asked: _Asked | None, origin: Origin) -> str:
        if self._inquiry is None or asked is None or asked.question.kind is Kind.DELETED:
            return ""
        return self._inquiry.link(asked.question.number or 0) or origin.link


def _is_only_dated(asked: _Asked) -> bool:
    answer = asked.answer
    return asked.is_dated and answer is not None and answer.is_answer and not answer.is_found
