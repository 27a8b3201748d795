"""What is known of an event before it is worded: what routes, mutes and counters go by."""

from dataclasses import dataclass

from relays.sources.gitlab.confidentiality import is_marked
from relays.sources.gitlab.event_kind import gitlab_name
from relays.sources.gitlab.events import find_kind
from relays.sources.gitlab.events.common import place_of
from relays.sources.gitlab.payload import Payload

_PROJECT_ALONE_AT = (
    ("project", "path_with_namespace"),
    ("path_with_namespace",),
    ("project_path_with_namespace",),
)
_PROJECT_AT = (
    *_PROJECT_ALONE_AT,
    ("group", "full_path"),
    ("group", "group_path"),
    ("full_path",),
    ("group_path",),
    ("path",),
)


@dataclass(frozen=True)
class Event:
    """An event by its name as sites use it (that of its kind, or GitLab's own name for one that has none).

    `actions` holds the action and what it amounts to: a pipeline that failed may also be "still_failing", an update
    of a merge request may also be "ready". `project` is a full path, of the group where there is no project. `author`
    is the user name of whoever did it.
    """

    name: str
    actions: frozenset[str]
    project: str
    branch: str
    labels: frozenset[str]
    confidential: bool
    payload: Payload
    header: str = ""
    author: str = ""


def read_event(payload: Payload, header: str = "") -> Event:
    """What the payload says of itself, and the event of its header; what is not said is empty."""
    kind = find_kind(payload)
    return Event(
        name=kind.name if kind else gitlab_name(payload),
        actions=frozenset(filter(None, kind.actions_of(payload))) if kind else frozenset(),
        project=next(filter(None, (payload.text(*path) for path in _PROJECT_AT)), "") or place_of(payload),
        branch=kind.branch_of(payload) if kind else "",
        labels=frozenset(kind.labels_of(payload)) if kind else frozenset(),
        confidential=kind.is_confidential(payload, header) if kind else is_marked(payload, header),
        payload=payload,
        header=header,
        author=kind.author_of(payload) if kind else "",
    )


def project_of(payload: Payload) -> str:
    """The full path of the project that an event happened in; empty if it does not say, or it was in none."""
    return next(filter(None, (payload.text(*path) for path in _PROJECT_ALONE_AT)), "")
