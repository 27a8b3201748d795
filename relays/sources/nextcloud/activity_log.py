"""What was done to the files of an account, in the order in which it was done, and who of it a document comes from.

A document is followed back through its moves to where it came from: by its path, for on disk it has no number, and by
its number where that is known. What was done before the document was last announced is accounted for and not looked at,
and so is what was done before it was in the state that is known.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from relays.sources.nextcloud.activity import Act, Deed
from relays.sources.nextcloud.tree import is_ignored

_MOST_DEEDS = 20_000
_MOST_SETTLED = 50_000
_ORIGINS = (Act.CREATED, Act.ARRIVED, Act.RESTORED)


@dataclass(frozen=True)
class Chapter:
    """A deed in the story of a document. `is_own`: it was done to the document, and not to a folder that it was in."""

    deed: Deed
    is_own: bool

    def brings(self, tree: str) -> bool:
        """Whether it brought the document into a tree, or into sight there."""
        if self.deed.act in _ORIGINS:
            return True
        former = self.deed.former
        inside = former.removeprefix(f"{tree}/")
        return self.deed.act is Act.MOVED and (inside == former or is_ignored(inside))


class ActivityLog:
    """The newest deeds; older ones are forgotten."""

    def __init__(self) -> None:
        self._deeds: list[Deed] = []
        self._forgotten = 0
        self._touching: dict[str, list[int]] = {}
        self._settled: dict[str, int] = {}
        self._floor = 0

    @property
    def end(self) -> int:
        """How many deeds were put down so far."""
        return self._forgotten + len(self._deeds)

    def put(self, deed: Deed) -> None:
        """What was done after all the others."""
        self._deeds.append(deed)
        self._touch(deed, self.end - 1)
        if len(self._deeds) > _MOST_DEEDS:
            self._forgotten += _MOST_DEEDS // 2
            del self._deeds[: _MOST_DEEDS // 2]
            self._touching.clear()
            for number, each in enumerate(self._deeds, self._forgotten):
                self._touch(each, number)

    def settle(self, path: str) -> None:
        """What was done so far to the document at a path is accounted for."""
        if len(self._settled) >= _MOST_SETTLED:
            self._settled.clear()
            self._floor = self.end
        self._settled[path] = self.end

    def story(self, path: str, number: int | None) -> Iterator[Chapter]:
        """What was done to the document that is at a path, the last first, back to where it came from.

        Nothing if something else was at the path last, or if the document has another number.
        """
        before = self.end
        while (found := self._last_before(path, before)) is not None:
            before, deed, at = found
            is_own = at == path
            # What was here has gone since.
            if deed.path != at or deed.act is Act.DELETED:
                return
            if is_own and number not in (None, deed.number):
                return
            number = deed.number if is_own else number
            yield Chapter(deed, is_own)
            if deed.act in _ORIGINS:
                return
            if deed.act is Act.MOVED:
                path = deed.former + path.removeprefix(at)

    def end_of(self, path: str, number: int | None, tree: str) -> Deed | None:
        """What took away the document that was at a path."""
        found = self._last_before(path, self.end)
        if found is None:
            return None
        _, deed, at = found
        if at == path and number not in (None, deed.number):
            return None
        has_left = deed.former == at and not deed.path.startswith(f"{tree}/")
        return deed if (deed.act is Act.DELETED and deed.path == at) or has_left else None

    def _last_before(self, path: str, end: int) -> tuple[int, Deed, str] | None:
        """The last deed but those from `end` on that touches a path or a folder above it, and which of these."""
        last, where = -1, ""
        folder = path
        while folder:
            numbers = self._touching.get(folder, ())
            place = bisect_left(numbers, end)
            if place and numbers[place - 1] > last:
                last, where = numbers[place - 1], folder
            folder = folder.rpartition("/")[0]
        if last < max(self._floor, self._settled.get(path, 0)):
            return None
        return last, self._deeds[last - self._forgotten], where

    def _touch(self, deed: Deed, number: int) -> None:
        for path in {deed.path, deed.former} - {""}:
            self._touching.setdefault(path, []).append(number)
