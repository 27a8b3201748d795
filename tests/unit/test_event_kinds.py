"""No event kind is half done: each has all that a kind consists of, and what is left of none lies about.

A kind that lacks something is named with it, be it one of the relay's or one of the broken ones below.
"""

from collections.abc import Callable
from typing import Any

import pytest

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events import KINDS, find_kind
from relays.sources.gitlab.events.common import NAME, PROJECT, line, project_of
from relays.sources.gitlab.payload import Payload
from relays.wording import CATALOGUES, Wording
from tasks.events_page import PAGE, page
from tasks.gitlab import triggers_of
from tests.unit.event_kind_checks import doubles, lacks
from tests.unit.site_data import taaf
from tests.unit.test_relays_messages import FILES, load

# As GitLab's documentation of the hooks of projects names them. A new kind need not be here: its are named after it.
TRIGGERS = {
    "push": ["push_events"],
    "tag_push": ["tag_push_events"],
    "merge_request": ["merge_requests_events"],
    "issue": ["issues_events", "confidential_issues_events"],
    "note": ["note_events", "confidential_note_events"],
    "emoji": ["emoji_events"],
    "pipeline": ["pipeline_events"],
    "job": ["job_events"],
    "deployment": ["deployment_events"],
    "release": ["releases_events"],
    "milestone": ["milestone_events"],
    "wiki_page": ["wiki_page_events"],
    "feature_flag": ["feature_flag_events"],
    "token": ["resource_access_token_events", "resource_deploy_token_events"],
    "vulnerability": ["vulnerability_events"],
    "member": [],
    "account": [],
    "project": [],
    "group": [],
}


def samples_of(kind: EventKind) -> dict[str, Any]:
    return {name: load(name) for name in FILES if find_kind(Payload(load(name))) is kind}


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_whole(name: str) -> None:
    kind = KINDS[name]
    found = list(lacks(kind, type(kind).__module__, samples_of(kind), CATALOGUES))
    assert not found, "\n".join(found)


def test_the_kinds_are_listed_in_the_documents() -> None:
    """Written anew with: python -m tasks.events_page."""
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "docs/routing.md is stale: run python -m tasks.events_page"


def test_no_two_kinds_go_by_one_name() -> None:
    assert doubles(KINDS.values()) == []


@pytest.mark.parametrize("name", TRIGGERS)
def test_the_triggers_are_those_of_gitlab(name: str) -> None:
    assert [*KINDS[name].triggers, *KINDS[name].confidential_triggers] == TRIGGERS[name]


@pytest.mark.parametrize("confidential", [False, True])
@pytest.mark.parametrize("muted", [False, True])
def test_the_hooks_have_what_the_site_wants_of_each_kind(confidential: bool, muted: bool) -> None:
    routes = [{"channels": ["secret"], "confidential": True}] if confidential else []
    found = triggers_of(taaf({"gitlab": {"mute": {"jobs": muted, "reactions": muted}, "routes": routes}}))
    for name in TRIGGERS:
        kind = KINDS[name]
        for trigger in kind.triggers:
            assert found[trigger] == (not muted or name not in ("job", "emoji")), trigger
        for trigger in kind.confidential_triggers:
            assert found[trigger] == confidential, trigger


class Badge(EventKind):
    """A kind that lacks nothing, so that each of those below lacks one thing."""

    name = "badge"
    gitlab_names = ("badge",)
    actions = ("create", "delete")
    triggers = ("badge_events",)
    branch_at = ("ref",)
    labels_at = ((),)

    def build(self, payload: Payload, wording: Wording) -> Message | None:
        action = payload.text("object_attributes", "action")
        return line(
            wording[f"badge.{action if action in self.actions else 'other'}"],
            badge=markup.given(markup.code, payload.text("object_attributes", "name"), NAME),
            project=markup.given(markup.bold, project_of(payload, wording), PROJECT),
        )


SAMPLE: dict[str, Any] = {
    "object_kind": "badge",
    "object_attributes": {"action": "create", "name": "gold"},
    "ref": "main",
    "labels": [],
}
MODULE = "relays.sources.gitlab.events.badge"
TEXTS = {f"badge.{action}": "[{badge}]" for action in ("create", "delete", "other")}


class Unnamed(EventKind):
    """A kind that says nothing of itself."""

    def build(self, payload: Payload, wording: Wording) -> Message | None:
        return None


def said_by(**attributes: Any) -> EventKind:
    """The kind with other attributes."""
    broken: type[Badge] = type("Broken", (Badge,), attributes)
    return broken()


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in SAMPLE.items() if name != key}


def checked(
    kind: EventKind | None = None,
    module: str = MODULE,
    sample: dict[str, Any] | None = SAMPLE,
    french: Wording = TEXTS,
    english: Wording = TEXTS,
) -> list[str]:
    samples = {} if sample is None else {"badge_create": sample}
    return list(lacks(kind or Badge(), module, samples, {"fr": french, "en": english}))


def test_a_whole_kind_lacks_nothing() -> None:
    assert checked() == []


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (lambda: checked(Unnamed()), "it does not say: name, gitlab_names, actions, triggers"),
        (lambda: checked(module="relays.sources.gitlab.events.medal"), "its module is not called badge"),
        (lambda: checked(said_by(gitlab_names=())), "it has no name in GitLab, or no action"),
        (lambda: checked(said_by(actions=())), "it has no name in GitLab, or no action"),
        (lambda: checked(said_by(actions=("delete",))), "sample badge_create: create is none of its actions"),
        (lambda: checked(said_by(triggers=("bagde_events",))), "have no trigger bagde_events"),
        (lambda: checked(said_by(triggers=("badge",))), "have no trigger badge"),
        (lambda: checked(said_by(confidential_triggers=("badge_events",))), "have no trigger badge_events"),
        (lambda: checked(said_by(muted_by="badges")), "there is no setting mute.badges"),
        (lambda: checked(said_by(noises=lambda *_: ["badges"])), "there is no setting mute.badges"),
        (lambda: checked(said_by(action_at=("action",))), "no sample has an action where action_at says"),
        (lambda: checked(said_by(build=lambda *_: None)), "no sample of it comes to a message"),
        (lambda: checked(sample=None), "tasks/samples/gitlab has no sample of it"),
        (lambda: checked(said_by(author_at=("user",))), "no sample has an author where author_at says"),
        (lambda: checked(sample=without("ref")), "no sample has a branch where branch_at says"),
        (lambda: checked(sample=without("labels")), "no sample has labels where labels_at says"),
        (
            lambda: checked(french={**TEXTS, "badge.old": "x"}),
            "nothing says badge.old of relays/wording/fr.py",
        ),
        (lambda: checked(english={**TEXTS, "badge.create": "{badge}"}), "it fails (KeyError('badge'))"),
        (lambda: checked(french={}), "relays/wording/fr.py lacks badge.create"),
        (
            lambda: checked(english={key: text for key, text in TEXTS.items() if key != "badge.other"}),
            "relays/wording/en.py lacks badge.other",
        ),
    ],
)
def test_what_is_half_done_is_named(found: Callable[[], list[str]], reason: str) -> None:
    assert any(reason in each for each in found()), found()


def test_a_name_that_is_used_twice_is_named() -> None:
    assert doubles([Badge(), said_by(gitlab_names=("medal",))]) == ["badge"]
    assert doubles([Badge(), said_by(name="medal")]) == ["badge"]
    assert doubles([Badge(), said_by(name="medal", gitlab_names=("medal",))]) == []
