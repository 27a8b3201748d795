"""Who brought the documents of one tree: asked for each one before it is told."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from relays.nextcloud.inquiry import NOTHING, Inquiry, Origin
from relays.nextcloud.news import Kind, News
from relays.nextcloud.tracker import Tracker


class Origins:
    """Of the tree that `folder` is in the files of the account that is asked as; nobody is asked without `inquiry`."""

    def __init__(self, inquiry: Inquiry | None, folder: str) -> None:
        self._inquiry = inquiry
        self._folder = folder
        self._answers: dict[str, Origin] = {}
        self.awaited = False

    def known(self, tracker: Tracker, paths: Sequence[str]) -> Sequence[str]:
        """Those of the paths that nothing more is waited for; what is asked about the others is `awaited`."""
        if self._inquiry is None:
            return paths
        answers = {}
        for path in paths:
            kind, seen = tracker.about(path)
            answer = self._answers.get(path) or self._inquiry.answer(
                f"{self._folder}/{path}", kind, seen.ctime
            )
            if answer is not None:
                answers[path] = answer
                if seen.is_certain and kind is not Kind.DELETED:
                    answers[path] = replace(answer, link=self._inquiry.link(seen.inode))
        self._answers = answers
        self.awaited = len(answers) < len(paths)
        return list(answers)

    def told(self, news: Iterable[News]) -> Iterator[News]:
        """The news with what is known of it."""
        for each in news:
            origin = self._answers.pop(each.path, NOTHING)
            yield replace(each, who=origin.who, link=origin.link)
