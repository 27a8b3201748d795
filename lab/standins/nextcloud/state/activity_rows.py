"""Rows of the activity, with neighbours merged.

Merging is that of Nextcloud 32.0.1 (lib/private/Activity/EventMerger.php, as its files app uses it): rows with the same
subject, not more than three hours apart, become one if they differ in their files alone, or in their actors alone; of
these there may be five. The merged row has the number and the user of the one that comes last and the time of the
newest. Where the last one has no actor, those of the others are named all the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

_SECONDS = 3 * 3600
_MOST = 5

File = tuple[int, str]
Person = tuple[str, str]


@dataclass
class Row:
    """A row, or several merged ones; the number is that of the last of them.

    `files` and `people` hold those of the last one first.
    """

    id: int
    at: int
    type: str
    subject: str
    user: str
    actor: Person | None
    file: File
    former: str
    files: list[File] = field(default_factory=list)
    formers: list[File] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    is_merged: bool = False

    def __post_init__(self) -> None:
        self.files = [self.file]
        self.formers = [(self.file[0], self.former)] if self.former else []
        # Nobody is the actor of what is done to an account's own files by itself, in the words of the sentence.
        self.people = [self.actor] if self.actor and not self.subject.endswith(("_self", "_public")) else []


def merged(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows with neighbours made one."""
    last: Row | None = None
    for row in rows:
        if last is not None and not (_merge_files(row, last) or _merge_people(row, last)):
            yield last
        last = row
    if last is not None:
        yield last


def _merge_files(row: Row, last: Row) -> bool:
    files = _joined(row.files, last.files)
    moved_into = {path.rpartition("/")[0] for _, path in files}
    if (
        not _may_merge(row, last)
        or row.people != last.people
        or row.subject.startswith("renamed")
        or (row.subject.startswith("moved") and len(moved_into) > 1)
        or len(files) > _MOST
    ):
        return False
    row.files, row.formers = files, _joined(row.formers, last.formers)
    row.at = max(row.at, last.at)
    return True


def _merge_people(row: Row, last: Row) -> bool:
    people = _joined(row.people, last.people)
    if not _may_merge(row, last) or row.files != last.files or row.former or not 1 <= len(people) <= _MOST:
        return False
    row.people, row.at, row.is_merged = people, max(row.at, last.at), True
    return True


def _may_merge(row: Row, last: Row) -> bool:
    return row.subject == last.subject and abs(row.at - last.at) <= _SECONDS


def _joined(first: Sequence[T], second: Sequence[T]) -> list[T]:
    return [*first, *(each for each in second if each not in first)]
