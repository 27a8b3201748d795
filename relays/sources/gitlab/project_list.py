"""Which projects a site lists: by their paths, all of a group, and those that are left out.

    taaf/web     one
    taaf/*       all in the group, or of the user, taaf
    taaf/**      those of its subgroups as well
    !taaf/test   left out of these; so are !taaf/old/* and !taaf/old/**

Upper and lower case are one, as they are to GitLab.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator

_NAME = "[A-Za-z0-9_][A-Za-z0-9_.-]*"
_GROUP = re.compile(rf"{_NAME}(/{_NAME})*")


def _path(value: str) -> str:
    if "://" in value:
        raise ValueError("must be the path of a project, such as group/project, without the server")
    if not re.fullmatch(rf"{_NAME}(/{_NAME})+", value):
        raise ValueError(
            "must be the path of a project, such as group/project, as its address in GitLab has it"
        )
    if value.endswith((".git", ".atom")):
        raise ValueError("must be the path of a project without .git at its end")
    return value


def _group(value: str) -> str:
    if "://" in value:
        raise ValueError("must be the path of a group, such as taaf or taaf/infra, without the server")
    if not _GROUP.fullmatch(value):
        raise ValueError(
            "must be the path of a group, such as taaf or taaf/infra, as its address in GitLab has it"
        )
    return value


def _entry(value: str) -> str:
    place = value.removeprefix("!")
    group, _, stars = place.rpartition("/")
    if "*" not in place:
        _path(place)
    elif stars not in ("*", "**") or not _GROUP.fullmatch(group):
        raise ValueError(
            "must have * only as its end: group/* for all projects of a group, group/** with its subgroups"
        )
    return value


ProjectPath = Annotated[str, AfterValidator(_path)]
GroupPath = Annotated[str, AfterValidator(_group)]
ProjectEntry = Annotated[str, AfterValidator(_entry)]


class ProjectList:
    """The projects that entries say, each as above."""

    def __init__(self, entries: Iterable[str]) -> None:
        self.entries = tuple(entries)
        left_out = [entry for entry in self.entries if entry.startswith("!")]
        self.left_out: Sequence[str] = tuple(entry.removeprefix("!") for entry in left_out)
        self.patterns: Sequence[str] = tuple(
            entry for entry in self.entries if "*" in entry and entry not in left_out
        )
        self.paths: Sequence[str] = tuple(
            entry for entry in self.entries if "*" not in entry and entry not in left_out
        )

    def __contains__(self, path: str) -> bool:
        return self.names(path) or self.pattern_of(path) is not None

    def names(self, path: str) -> bool:
        """Whether a project is listed by its own path."""
        return path.casefold() in self._folded

    def pattern_of(self, path: str) -> str | None:
        """The first of the patterns that finds a project; None if none does, or it is left out."""
        if any(covers(entry, path) for entry in self.left_out):
            return None
        return next((pattern for pattern in self.patterns if covers(pattern, path)), None)

    def faults(self) -> Iterator[str]:
        """What its entries make of each other, with the remedy."""
        known = set[str]()
        for entry in self.entries:
            if entry.casefold() in known:
                yield f"{entry} is given twice: take one of them out"
            known.add(entry.casefold())
        for entry in self.left_out:
            if any(covers(entry, path) for path in self.paths):
                yield f"!{entry} leaves out a project that is listed by its path: take one of the two out"
            elif not any(covers(pattern, entry) for pattern in self.patterns):
                yield f"!{entry} leaves nothing out: it is in no group that is listed; take it out"
            elif any(covers(entry, pattern) for pattern in self.patterns):
                yield f"!{entry} leaves out all that a pattern finds: take one of the two out"

    @cached_property
    def _folded(self) -> frozenset[str]:
        return frozenset(map(str.casefold, self.paths))


def group_of(pattern: str) -> str:
    """The group of a pattern."""
    return pattern.rpartition("/")[0]


def covers(wide: str, narrow: str) -> bool:
    """Whether an entry says all that another one, or a path, does."""
    wide, narrow = wide.casefold(), narrow.casefold()
    if "*" not in wide or wide == narrow:
        return wide == narrow
    if wide.endswith("/**"):
        return narrow.startswith(wide.removesuffix("**"))
    return group_of(wide) == group_of(narrow) and "*" not in narrow
