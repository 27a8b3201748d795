"""Rows of the activity as the API gives them: sentences with parameters, neighbours merged.

Merging is that of Nextcloud 32.0.1 (lib/private/Activity/EventMerger.php, as its files app uses it): rows with the same
subject, not more than three hours apart, become one if they differ in their files alone, or in their actors alone; of
these there may be five. The merged row has the number and the user of the one that comes last and the time of the
newest. Where the last one has no actor, those of the others are named all the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

T = TypeVar("T")

_SECONDS = 3 * 3600
_MOST = 5
_ICONS = {"created": "add-color", "deleted": "delete-color", "restored": "history"}

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


def shown(row: Row, base: str) -> dict[str, Any]:
    """A row as the API gives it, in English; `base` is the address of the site."""
    (fileid, path), *_ = row.files
    verb, _, by = row.subject.partition("_")
    rich: dict[str, dict[str, str]] = {}
    names = ""
    if row.former:
        target = row.file if verb == "renamed" else (0, path.rpartition("/")[0])
        rich["newfile"] = _rich_file(*target, base)
        names = f"{_several('oldfile', row.formers, rich, base)} to {{newfile}}"
    else:
        names = _several("file", row.files, rich, base)
    if by == "public":
        sentence = f"{names} was created in a public folder"
    elif by == "self":
        sentence = f"You {verb} {names}"
    else:
        keys = [f"user{n}" for n in range(1, len(row.people) + 1)] if row.is_merged else ["user"]
        rich |= {
            key: {"type": "user", "id": number, "name": name}
            for key, (number, name) in zip(keys, row.people, strict=False)
        }
        who = " and ".join(f"{{{key}}}" for key in reversed(keys)) if row.actor else '"remote account"'
        sentence = f"{who} {verb} {names}"
    return {
        "activity_id": row.id,
        "app": "files",
        "type": row.type,
        "user": row.user,
        "subject": sentence,
        "subject_rich": [sentence, rich],
        "message": "",
        "message_rich": ["", []],
        "object_type": "files",
        "object_id": fileid,
        "object_name": path,
        "objects": {str(identity): name for identity, name in row.files},
        "link": f"{base}/index.php/apps/files/?dir={path.rpartition('/')[0] or '/'}",
        "icon": f"{base}/apps/files/img/{_ICONS.get(verb, 'change')}.svg",
        "datetime": datetime.fromtimestamp(row.at, UTC).isoformat(),
    }


def _several(key: str, files: Sequence[File], rich: dict[str, dict[str, str]], base: str) -> str:
    """Put files into the parameters; how a sentence refers to them."""
    keys = [f"{key}{number if len(files) > 1 else ''}" for number in range(1, len(files) + 1)]
    rich |= {name: _rich_file(*file, base) for name, file in zip(keys, files, strict=True)}
    return " and ".join(f"{{{name}}}" for name in reversed(keys))


def _rich_file(fileid: int, path: str, base: str) -> dict[str, str]:
    return {
        "type": "file",
        "id": str(fileid),
        "name": path.rpartition("/")[2],
        "path": path.strip("/"),
        "link": f"{base}/index.php/f/{fileid}",
    }
