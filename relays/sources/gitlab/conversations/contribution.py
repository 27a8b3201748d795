"""What an event says of a conversation."""

from collections.abc import Mapping
from dataclasses import dataclass, field

UNKNOWN = (-1.0,)
"""The order of a fact that holds only as long as nothing else is known."""


@dataclass(frozen=True)
class Fact:
    """Something that holds from a moment on, a JSON value.

    GitLab keeps no order among its events, so of two the one with the higher `order` holds, of equal ones the one that
    came later. An order of (0,) is one whose moment GitLab does not say: it holds as it comes.
    """

    order: tuple[float, ...]
    value: object


@dataclass(frozen=True)
class Turn:
    """How something ended that can be sound or broken, such as the pipeline or one job: success or failed."""

    what: str
    order: tuple[float, ...]
    status: str


@dataclass(frozen=True)
class Contribution:
    """What an event says of the conversation of this `kind` and `name` in a project.

    kind     merge_request, issue, pipeline, release or environment
    project  the full path, of the group for what is in no project
    name     a number, a branch, a tag, an environment
    facts    by name; a name with a space in it is one of many of its kind ("vote lperrin")
    counts   what is to be counted with it
    replies  whether it is worth a reply, and not only a change of the root
    insists  whether it is so in a merge request as well that it belongs to by its branch
    turn     worth a reply only if it turns broken or is fixed
    branch   of the project: where a merge request from it is open, or was with the commit `sha`, it belongs to that one
    number   of the pipeline that ran, for `pipeline`: a break begins a new conversation, which is called by it
    """

    kind: str
    project: str
    name: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    replies: bool = False
    insists: bool = False
    turn: Turn | None = None
    branch: str = ""
    sha: str = ""
    number: int = 0
