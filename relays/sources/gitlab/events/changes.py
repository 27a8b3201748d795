"""What an update changed, as far as people care about it.

GitLab sends an update for whatever it changes by itself as well, with nothing among the changes or with what only
it needs; so what is announced is named here and the rest is no news.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from relays.mattermost import markup
from relays.mattermost.message import Field
from relays.sources.gitlab.events.common import BRANCH, NAME, SHORT_TITLE, field
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

_PEOPLE = ("assignees", "reviewers")
_NAMED_ONLY = (
    "description",
    "milestone_id",
    "due_date",
    "start_date",
    "severity",
    "weight",
    "type",
    "confidential",
)
# What an update can amount to, beside the state.
CHANGES = (
    *("draft", "ready", "commits", "resolved", "unresolved", "review", "auto_merge", "no_auto_merge"),
    *("title", "target_branch", *_PEOPLE, "labels", *_NAMED_ONLY),
)
# What the state of an issue, a work item or a merge request can be: as GitLab numbers them. While it merges, a merge
# request is locked (4).
_STATES: Mapping[int, str] = {1: "reopen", 2: "close", 3: "merge"}
# GitLab puts it before the title and takes it away again.
_DRAFT = "Draft: "
_MOST_NAMES = 5


@dataclass(frozen=True)
class Changes:
    """What changed in words, and the details of it."""

    words: str
    details: list[Field]


def changes_of(payload: Payload, wording: Wording) -> Changes:
    """What an update changed; both are empty if it is nothing that people care about."""
    names = [wording[f"changed.{name}"] for name in names_of(payload)]
    return Changes(", ".join(names), list(_details(payload, wording)))


def action_of(payload: Payload) -> str:
    """What happened: GitLab's action, or that which an update comes to that changes the state."""
    action = payload.text("object_attributes", "action")
    state = payload.at("changes", "state_id")
    if action == "update" and _differs(state):
        return _STATES.get(state.number("current"), action)
    return action


def actions_of(payload: Payload) -> tuple[str, ...]:
    """GitLab's action, and all that an update comes to."""
    action = payload.text("object_attributes", "action")
    return (action, action_of(payload), *names_of(payload)) if action == "update" else (action,)


def names_of(payload: Payload) -> Iterator[str]:
    """What an update changed beside the state, by name."""
    changes = payload.at("changes")
    drafts = [changes.at(key) for key in ("draft", "work_in_progress")]  # the same, now and formerly
    if draft := next(filter(_differs, drafts), None):
        yield "draft" if draft.flag("current") else "ready"
    # There only if commits were pushed.
    if payload.text("object_attributes", "oldrev"):
        yield "commits"
    # Whether the threads let it be merged.
    if _differs(threads := changes.at("blocking_discussions_resolved")):
        yield "resolved" if threads.flag("current") else "unresolved"
    if any(asked_again(payload)):
        yield "review"
    if _differs(automatic := changes.at("merge_when_pipeline_succeeds")):
        yield "auto_merge" if automatic.flag("current") else "no_auto_merge"
    if _is_renamed(changes):
        yield "title"
    if _differs(changes.at("target_branch")):
        yield "target_branch"
    yield from (people for people in _PEOPLE if _moves(changes.at(people)))
    if _moves(changes.at("labels")):
        yield "labels"
    yield from (name for name in _NAMED_ONLY if _differs(changes.at(name)))


def _details(payload: Payload, wording: Wording) -> Iterator[Field]:
    changes = payload.at("changes")
    if _is_renamed(changes):
        former = markup.given(markup.plain, changes.text("title", "previous"), SHORT_TITLE)
        yield from field(wording["field.former_title"], former, short=False)
    if _differs(changes.at("target_branch")):
        former = markup.given(markup.plain, changes.text("target_branch", "previous"), BRANCH)
        yield from field(wording["field.former_target"], former)
    yield from field(wording["field.asked_again"], listed(asked_again(payload)))
    for name in (*_PEOPLE, "labels"):
        yield from field(wording[f"field.{name}"], _listed(_moves(changes.at(name))))


def listed(elements: Iterable[Payload]) -> markup.Markup | None:
    """People or labels by their names; None if there are none."""
    return _listed(list(_names(elements)))


def _names(elements: Iterable[Payload]) -> Iterator[str]:
    """What people or labels are called."""
    for element in elements:
        if name := element.text("name") or element.text("username") or element.text("title"):
            yield name


def _moves(change: Payload) -> list[str]:
    """Who or what came and went."""
    # Each once and in its order; looked up in, for a payload may list more than can be compared one by one.
    before, after = (dict.fromkeys(_names(change.elements(end))) for end in ("previous", "current"))
    return [f"+ {name}" for name in after if name not in before] + [
        f"− {name}" for name in before if name not in after
    ]


def _listed(names: list[str]) -> markup.Markup | None:
    shown = ", ".join(name[:NAME] for name in names[:_MOST_NAMES])
    return markup.given(markup.plain, f"{shown}…" if len(names) > _MOST_NAMES else shown, 3 * NAME)


def asked_again(payload: Payload) -> Iterator[Payload]:
    """The reviewers that were there before and are asked anew."""
    # As documented for this: a list of two states instead of an object with both.
    states = payload.at("changes").elements("reviewers")
    if not states:
        states = [payload.at("changes", "reviewers", end) for end in ("previous", "current")]
    if len(states) == 2:
        asked_before = {
            reviewer.text("id") for reviewer in states[0].elements() if reviewer.flag("re_requested")
        }
        for reviewer in states[1].elements():
            if reviewer.flag("re_requested") and reviewer.text("id") not in asked_before:
                yield reviewer


def _is_renamed(changes: Payload) -> bool:
    before, after = (changes.text("title", end).removeprefix(_DRAFT) for end in ("previous", "current"))
    return before != after


def _differs(change: Payload) -> bool:
    ends: Mapping[str, object] = change.mapping()
    return ends.get("previous") != ends.get("current")
