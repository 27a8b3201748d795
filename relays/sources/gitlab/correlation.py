"""What several events say of one act of somebody's, so that it is announced once.

    a push to the branch of a merge request    the push; the update of the merge request by its commits
    a merge                                    the merge; the push to the target branch; the end of the source branch
    a change of state                          closed, reopened, merged; an update with nothing but the new state
    a deployment that is rejected              rejected; failed
    a review                                   each comment; the approval

Of all but the last, one event leads: its message says what those that follow say. A follower is left out in the
channels that got the leader, and announced in the others. GitLab keeps no order, so a follower that comes first waits a
moment for a leader that is likely to come (sources.gitlab.delayed), and so does a push that may belong to a merge
request which the relay has not heard of. What a review consists of waits for each other and is announced together
(relays.sources.gitlab.review), at the latest before the merge request is said to be merged, closed or reopened, which
GitLab sends in the same moment ("comment and close", an approval that sets off the merge). Acts are known by what both
events hold for certain, commits above all. What is confidential is never part of one act with what is not.

"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from relays.sources.gitlab.event import Event
from relays.sources.gitlab.events.merge_request import removes_source
from relays.sources.gitlab.merge_requests import MergeRequest, announced_with, source_of
from relays.sources.gitlab.mute import Mute

# The last line of GitLab's own merge messages, unless a project words them otherwise.
_MERGED = re.compile(r"^See merge request \S*!\d+\s*\Z", re.MULTILINE)
# Longer ones and those with NUL, which are none of GitLab's, PostgreSQL would refuse.
_LONGEST = 500
_REVIEW = "review"
_STATES = ("close", "reopen", "merge")


@dataclass(frozen=True)
class Lead:
    """An act, and what of it is said by the message that leads it."""

    act: str
    said: tuple[str, ...]


@dataclass(frozen=True)
class Follow:
    """An act, and what a follower says of it. `expects`: that its leader comes is likely."""

    act: str
    says: str
    expects: bool
    setting: str


@dataclass(frozen=True)
class Part:
    """The part of an event in acts: what it leads, what it follows, and the review that it belongs to.

    `pushed` is the act that a push to a branch and all that is said of a merge request by that push have in common.
    `ends` is what the acts of the reviews begin with that are to be announced before.
    """

    leads: list[Lead] = field(default_factory=list)
    follows: Follow | None = None
    review: str = ""
    pushed: str = ""
    ends: str = ""


def part_of(event: Event, mute: Mute, known: list[MergeRequest]) -> Part:
    """The part of an event, where a site wants acts announced once; `known` are the merge requests of its commits."""
    follows = _follows(event, known)
    return Part(
        leads=[replace(lead, act=_apart(event, lead.act)) for lead in _leads(event, known) if lead.act],
        follows=replace(follows, act=_apart(event, follows.act))
        if follows and follows.act and getattr(mute, follows.setting)
        else None,
        review=_apart(event, _review(event)) if mute.reviews else "",
        pushed=_apart(event, _pushed(event)) if mute.push_updates else "",
        ends=_ends(event) if mute.reviews else "",
    )


def _apart(event: Event, act: str) -> str:
    """The act, which what is confidential has for itself."""
    return f"{act} confidential" if act and event.confidential else act


def is_review(act: str) -> bool:
    """Whether what is held back for an act is part of a review."""
    return act.startswith(f"{_REVIEW} ")


def _leads(event: Event, known: list[MergeRequest]) -> Iterator[Lead]:
    subject = event.payload.at("object_attributes")
    if event.name == "push" and "delete" not in event.actions:
        shown = tuple(each.reference for each in announced_with(event, known))
        yield Lead(_pushed(event), shown)
    if event.name == "merge_request" and "merge" in event.actions:
        head = subject.text("last_commit", "id")
        for sha in (subject.text("merge_commit_sha"), subject.text("squash_commit_sha"), head):
            yield Lead(_act("merge", event.project, event.branch, sha), ("merge",))
        if removes_source(event.payload):
            yield Lead(_act("gone", source_of(event), subject.text("source_branch"), head), ("gone",))
    if event.name in ("issue", "merge_request"):
        for state in event.actions.intersection(_STATES):
            yield Lead(_state(event), (state,))
    if event.name == "deployment" and "rejected" in event.actions:
        yield Lead(_deployment(event), ("failed",))


def _follows(event: Event, known: list[MergeRequest]) -> Follow | None:
    payload, subject = event.payload, event.payload.at("object_attributes")
    if event.name == "merge_request" and event.actions == {"update", "commits"}:
        source, sha = source_of(event), subject.text("last_commit", "id")
        says = MergeRequest.reference_of(event.project, subject.text("iid"))
        # Of a push to a fork the relay may never hear.
        expects = source == event.project
        return Follow(_act("push", source, subject.text("source_branch"), sha), says, expects, "push_updates")
    if event.name == "push" and "delete" in event.actions:
        sha = payload.text("before")
        ended = any(each.is_source_of(event) and each.sha == sha for each in known)
        return Follow(_act("gone", event.project, event.branch, sha), "gone", ended, "merge_pushes")
    if event.name == "push" and "update" in event.actions:
        sha = payload.text("after")
        brought = any(each.is_target_of(event) and each.sha == sha for each in known)
        act = _act("merge", event.project, event.branch, sha)
        return Follow(act, "merge", brought or _is_worded_as_a_merge(event), "merge_pushes")
    if event.name in ("issue", "merge_request") and len(event.actions) == 2 and "update" in event.actions:
        for state in event.actions.intersection(_STATES):
            return Follow(_state(event), state, False, "echoes")
    if event.name == "deployment" and "failed" in event.actions:
        return Follow(_deployment(event), "failed", False, "echoes")
    return None


def _pushed(event: Event) -> str:
    if event.name == "push":
        return _act("push", event.project, event.branch, event.payload.text("after"))
    if event.name == "merge_request":
        subject = event.payload.at("object_attributes")
        return _act(
            "push", source_of(event), subject.text("source_branch"), subject.text("last_commit", "id")
        )
    return ""


def _review(event: Event) -> str:
    """What all that somebody says of a merge request in a review has in common; empty if it is no part of one."""
    if event.name == "note" and "create" in event.actions:
        iid = event.payload.text("merge_request", "iid")
    elif event.name == "merge_request" and "approved" in event.actions:
        iid = event.payload.text("object_attributes", "iid")
    else:
        return ""
    return _act(_REVIEW, event.project, iid, event.payload.text("user", "username"))


def _ends(event: Event) -> str:
    """What the acts of all reviews of a merge request begin with whose state changes; empty for any other event."""
    if event.name != "merge_request" or event.actions.isdisjoint(_STATES):
        return ""
    of_all = _act(_REVIEW, event.project, event.payload.text("object_attributes", "iid"))
    return of_all and f"{of_all} "


def _is_worded_as_a_merge(event: Event) -> bool:
    """Whether GitLab itself made the newest commit by merging into this very branch.

    A merge by fast-forward, or in words of the project's own, cannot be distinguished from a push by a person so.
    """
    into = f" into '{event.branch}'"
    # The title alone is not enough: people merge as well, and push what was merged elsewhere.
    return any(
        commit.text("id") == event.payload.text("after")
        and commit.text("title").endswith(into)
        and bool(_MERGED.search(commit.text("message")))
        for commit in event.payload.elements("commits")[-1:]
    )


def _state(event: Event) -> str:
    return _act("state", event.name, event.project, event.payload.text("object_attributes", "iid"))


def _deployment(event: Event) -> str:
    payload = event.payload
    number = payload.text("deployment_id") or payload.text("deployable_id") or payload.text("deployable_url")
    return _act("deployment", event.project, number)


def _act(kind: str, *known_by: str) -> str:
    """An act by what it is known by, none of which holds a space in GitLab; empty if something is not known."""
    if not all(known_by):
        return ""
    act = " ".join((kind, *known_by))
    if len(act) > _LONGEST or "\0" in act:
        return f"{kind} {hashlib.sha256(act.encode()).hexdigest()}"
    return act
