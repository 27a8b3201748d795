"""Who brought the documents of one tree: asked for each one before it is announced."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from relays.sources.nextcloud.attribution_rules import Question, seconds_back
from relays.sources.nextcloud.backend import Backend
from relays.sources.nextcloud.changes import Kind, News
from relays.sources.nextcloud.tracker import Pending, Tracker
from relays.sources.nextcloud.tree import Stat
from relays.sources.nextcloud.uploader import LONGEST_SECONDS, UNASKED, Uploader, UploaderResolver
from relays.storage.engine import Database

# What shows over WebDAV is done, but for the last requests.
_SHOWN_SECONDS = 1.0


@dataclass(frozen=True)
class _Asked:
    pending: Pending
    question: Question
    timeout: float
    # The same document with the same size and a later date.
    is_dated: bool
    answer: Uploader | None = None


class Attribution:
    """Of the tree of `backend`, which `folder` is in the files of the account that is asked as.

    Nobody is asked without `resolver`.
    """

    def __init__(self, resolver: UploaderResolver | None, backend: Backend, folder: str) -> None:
        self._resolver = resolver
        self._backend = backend
        self._folder = folder
        self._asked: dict[str, _Asked] = {}
        self._position: int | None = None
        self.awaited = False

    def known(self, tracker: Tracker, paths: Sequence[str]) -> Sequence[str]:
        """Those of the paths that nothing more is waited for; what is asked about the others is `awaited`."""
        if self._resolver is None:
            return paths
        # Before the answers: they come from what was read until then, and perhaps from more.
        self._position = self._resolver.position
        asked = {path: self._ask(self._resolver, tracker, path) for path in paths}
        self._asked = asked
        known = [path for path in paths if asked[path].answer is not None]
        self.awaited = len(known) < len(paths)
        return known

    def only_dated(self, paths: Iterable[str]) -> list[str]:
        """Those of the known paths at which a document got another date, and no other content as far as is known.

        `occ files:scan` takes dates over from the disk; whoever changes a document in Nextcloud leaves a trace.
        """
        return [path for path in paths if self._resolver is not None and _is_only_dated(self._asked[path])]

    def attributed(self, news: Iterable[News]) -> Iterator[News]:
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
        if self._resolver is not None:
            for path in paths:
                self._asked.pop(path, None)
                self._resolver.settle(f"{self._folder}/{path}")

    def save(self, db: Database) -> None:
        """Store how far what was done is accounted for."""
        if self._resolver is not None and self._position is not None:
            self._resolver.save(db, self._position)

    def _ask(self, resolver: UploaderResolver, tracker: Tracker, path: str) -> _Asked:
        pending, asked = tracker.about(path), self._asked.get(path)
        if asked is None or asked.pending != pending:
            asked = self._question(path, pending, tracker.known(path))
        if asked.answer is None:
            asked = replace(asked, answer=resolver.answer(asked.question, asked.timeout))
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
                uploaded=self._backend.uploaded(path) or 0,
            )
            timeout = _SHOWN_SECONDS
        else:
            back = seconds_back(seen.ctime_ns, seen.mtime_ns)
            question = replace(question, since=seen.ctime - back, changed=seen.ctime)
            # A document that is new on the disk may be so for a moment before there is a row of it.
            timeout = LONGEST_SECONDS if pending.kind in (Kind.NEW, Kind.MOVED_IN) else 0.0
        is_dated = (
            pending.kind is Kind.VERSION
            and seen.is_certain
            and known is not None
            and (known.inode, known.size) == (seen.inode, seen.size)
            and known.mtime_ns < seen.mtime_ns
        )
        return _Asked(pending, question, timeout, is_dated=is_dated)

    def _link(self, asked: _Asked | None, origin: Uploader) -> str:
        if self._resolver is None or asked is None or asked.question.kind is Kind.DELETED:
            return ""
        return self._resolver.link(asked.question.number or 0) or origin.link


def _is_only_dated(asked: _Asked) -> bool:
    answer = asked.answer
    return asked.is_dated and answer is not None and answer.is_answer and not answer.is_found
