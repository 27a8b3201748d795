"""What is worth a reminder."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

Group = Literal["review", "stale", "branch", "due"]
GROUPS: tuple[Group, ...] = ("review", "stale", "branch", "due")
Kind = Literal["merge_request", "issue", "pipeline", "milestone"]


class GitLabUser(NamedTuple):
    """A user of GitLab."""

    username: str
    name: str


@dataclass(frozen=True)
class Thing:
    """Something of a project that waits, with its number and title as GitLab has them, and its page.

    `since` is how long it has been so, `due` when it falls due; one of them is there. `people` are those who are
    reminded of it in person. `branch`, `labels` and `confidential` are what routes go by.
    """

    group: Group
    kind: Kind
    project: str
    number: int
    title: str
    url: str
    since: float = 0.0
    due: date | None = None
    people: tuple[GitLabUser, ...] = ()
    type: str = ""
    branch: str = ""
    labels: frozenset[str] = frozenset()
    confidential: bool = False
