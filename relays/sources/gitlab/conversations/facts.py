"""The readers of facts that kinds of events share. What is read is cut to what a root may show."""

from collections.abc import Iterator, Mapping
from itertools import islice

from relays.sources.gitlab.conversations.contribution import UNKNOWN, Fact
from relays.sources.gitlab.noise import PROGRESS
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.timestamps import moment

_TITLE = 300
_NAME = 120
_ADDRESS = 500
_MOST = 20
# What of an issue, a work item or a merge request is known of it as it stands, whatever event it comes with.
_OF_SUBJECT = {
    **dict.fromkeys(("iid", "state", "type", "severity", "due_date"), _NAME),
    **dict.fromkeys(("source_branch", "target_branch"), _NAME),
    "title": _TITLE,
    "url": _ADDRESS,
}
_OVER = ("closed", "merged")
_ENDS = ("close", "reopen", "merge")
# The reviewers' states of GitLab that are a vote, and what each of its actions says of one.
_STATES = {"approved": "approved", "requested_changes": "changes", "unapproved": ""}
_VOTES = {"approved": "approved", "approval": "approved", "unapproved": "", "unapproval": ""}
# How far a pipeline has got; those that are over come after all of them, by the time at which they ended.
_STAGES = (*PROGRESS, "manual")
# Of the jobs of a pipeline: so many, and so much of each name.
_MOST_JOBS = 5
_JOB = 60
SOUND, BROKEN = "success", "failed"


def person(user: Payload) -> Mapping[str, str]:
    """Somebody, as far as a root says who it is."""
    return {key: user.text(key)[:_NAME] for key in ("username", "name")}


def title_of_subject(subject: Payload) -> Fact:
    """The issue, work item or merge request itself, as it was when it changed last."""
    value: dict[str, object] = {key: subject.text(key)[:most] for key, most in _OF_SUBJECT.items()}
    value["draft"] = subject.flag("draft") or subject.flag("work_in_progress")
    value["head"] = subject.text("last_commit", "id")[:_NAME]
    value["milestone"] = subject.text("milestone", "title")[:_NAME]
    value["has_milestone"] = bool(subject.number("milestone_id"))
    value["author_id"] = subject.text("author_id")
    return Fact(order_of(subject), value)


def own_wish(username: str, at: float) -> tuple[str, Fact]:
    """That somebody of GitLab has asked at that moment to be a reviewer, whoever enters them there."""
    return f"wish {username[:_NAME]}", Fact((at,), True)


def order_of(subject: Payload) -> tuple[float, ...]:
    """When something changed last; of one second, that it is over is the last word."""
    at = moment(subject.text("updated_at"))
    return (at, float(subject.text("state") in _OVER)) if at else (0.0,)


def of_subject(payload: Payload) -> Iterator[tuple[str, Fact]]:
    """All that the event of an issue, a work item or a merge request says of it."""
    subject = payload.at("object_attributes")
    order = order_of(subject)
    at = moment(subject.text("actioned_at")) or order[0]
    yield "subject", title_of_subject(subject)
    labels = payload.elements("labels") or subject.elements("labels")
    yield "labels", Fact(order, [label.text("title")[:_NAME] for label in labels[:_MOST]])
    # Absent where there are none.
    for role in ("assignees", "reviewers"):
        yield role, Fact(order, [person(user) for user in payload.elements(role)[:_MOST]])
    yield from of_author(payload, subject)
    action, user = subject.text("action"), payload.at("user")
    if action in _ENDS:
        yield "ended", Fact((at,), {"how": action, "at": at, **person(user)})
    for reviewer in payload.elements("reviewers")[:_MOST]:
        asked_anew = reviewer.flag("re_requested")
        if reviewer.text("username") and (asked_anew or reviewer.text("state") in _STATES):
            yield _vote(reviewer, order[:1], "" if asked_anew else _STATES[reviewer.text("state")])
    # Last, for it says more than how the reviewers stood when the merge request changed last.
    if action in _VOTES:
        if subject.flag("system"):
            yield "reset", Fact((at,), True)
        elif user.text("username"):
            yield _vote(user, (at,), _VOTES[action])
    yield "withdrawn", Fact(order[:1], subject.flag("confidential"))


def of_author(payload: Payload, subject: Payload) -> Iterator[tuple[str, Fact]]:
    """Who made it, of whom GitLab only says the number: whoever is named with it."""
    number = subject.text("author_id")
    named = (payload.at("user"), *payload.elements("assignees"), *payload.elements("reviewers"))
    for user in named:
        if number and user.text("id") == number:
            yield "author", Fact((0.0,), person(user))
            return
    if subject.text("action") == "open" and not number:
        yield "author", Fact((0.0,), person(payload.at("user")))


def _vote(user: Payload, order: tuple[float, ...], vote: str) -> tuple[str, Fact]:
    name = f"vote {user.text('username')[:_NAME]}"
    return name, Fact(order, {"vote": vote, **person(user)})


def order_of_pipeline(pipeline: Payload) -> tuple[float, ...]:
    """How far which pipeline has got. One that is retried ends once more, at a later time."""
    status = pipeline.text("status")
    number = float(pipeline.number("id"))
    if status in _STAGES:
        return (number, 0.0, float(_STAGES.index(status)))
    return (number, moment(pipeline.text("finished_at")) or 1.0, 0.0)


def of_pipeline(payload: Payload) -> Iterator[tuple[str, Fact]]:
    """A pipeline as it stands."""
    pipeline, commit = payload.at("object_attributes"), payload.at("commit")
    value: dict[str, object] = {
        key: pipeline.text(key)[:_ADDRESS] for key in ("id", "status", "url", "sha", "ref")
    }
    value["project"] = payload.text("project", "path_with_namespace")[:_ADDRESS]
    value["warnings"] = pipeline.text("detailed_status") == "passed with warnings"
    value["duration"] = pipeline.number("duration")
    value["own"] = bool(payload.mapping("merge_request"))
    value["user"] = person(payload.at("user"))
    value["commit"] = {
        "id": commit.text("id")[:_NAME],
        "url": commit.text("url")[:_ADDRESS],
        "title": commit.text("title")[:_TITLE],
    }
    value["jobs"] = jobs_of_pipeline(payload, BROKEN)
    yield "pipeline", Fact(order_of_pipeline(pipeline), value)
    known = payload.at("merge_request")
    if known.mapping():
        yield "subject", Fact(UNKNOWN, title_of_subject(known).value)


def jobs_of_pipeline(payload: Payload, status: str) -> list[str]:
    """The first jobs in a state on which a pipeline depends."""
    found = (
        job.text("name")[:_JOB]
        for job in payload.elements("builds")
        if job.text("name") and job.text("status") == status and not job.flag("allow_failure")
    )
    return list(islice(found, _MOST_JOBS))


def of_deployment(payload: Payload) -> tuple[str, Fact]:
    """A deployment to an environment as it stands."""
    at = moment(payload.text("status_changed_at"))
    keys = ("status", "environment", "ref", "short_sha", "commit_url", "commit_title", "deployable_url")
    value: dict[str, object] = {
        key: payload.text(key)[:_ADDRESS] for key in (*keys, "environment_external_url")
    }
    value["user"] = person(payload.at("user"))
    value["at"] = at
    return f"deployment {payload.text('environment')[:_NAME]}", Fact((at,), value)


def of_release(payload: Payload) -> tuple[str, Fact]:
    """A release as it stands. GitLab does not say when it was changed, so one that is gone stays gone."""
    keys = ("name", "tag", "url", "action", "created_at")
    order = (1.0, float(payload.text("action") == "delete"))
    return "release", Fact(order, {key: payload.text(key)[:_ADDRESS] for key in keys})
