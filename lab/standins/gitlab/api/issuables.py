"""What issues and merge requests have in common: numbers, labels, people, changes."""

from typing import Any

from lab.standins.gitlab.api.call import ApiError, Call
from lab.standins.gitlab.payloads.webhooks import common
from lab.standins.gitlab.state import clock
from lab.standins.gitlab.state.clock import hook_time
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Issue, Label, MergeRequest, Project

_LABEL_COLOR = "#6699cc"
_STATE_IDS = {"opened": 1, "closed": 2}
_COMPARED: dict[type, tuple[str, ...]] = {
    Issue: ("title", "description", "confidential"),
    MergeRequest: ("title", "description", "draft", "target_branch"),
}
STATE_EVENTS = {"close": ("opened", "closed"), "reopen": ("closed", "opened")}
"""Each `state_event` with the state that it needs and the one it leads to."""


def next_iid(gitlab: Instance, table: str, project: Project) -> int:
    """The next number within the project; to be called inside the transaction that uses it."""
    return 1 + gitlab.store.count(f"SELECT max(iid) FROM {table} WHERE project_id = ?", project.id)  # noqa: S608


def labels(gitlab: Instance, project: Project, titles: list[str]) -> list[Label]:
    """The project's labels with these titles; missing ones are created, as GitLab does."""
    for title in titles:
        gitlab.store.run(
            "INSERT OR IGNORE INTO labels (project_id, title, color, created_at) VALUES (?, ?, ?, ?)",
            project.id, title, _LABEL_COLOR, clock.now(),
        )  # fmt: skip
    rows = gitlab.store.all("SELECT * FROM labels WHERE project_id = ? ORDER BY title", project.id)
    return [label for label in map(Label.of, rows) if label.title in titles]


def assignees(call: Call) -> list[int] | None:
    """The assignees that a call asks for: one, as in GitLab's free edition; None when it does not speak of them."""
    wanted = call.ids("assignee_id") if "assignee_id" in call.params else call.ids("assignee_ids")
    return None if wanted is None else [person.id for person in call.gitlab.users.existing(wanted[:1])]


def edits(call: Call, record: Issue | MergeRequest) -> dict[str, Any]:
    """The columns that a PUT changes on either kind of record."""
    values: dict[str, Any] = {}
    if "title" in call.params:
        values["title"] = call.required("title")
    if "description" in call.params:
        values["description"] = call.text("description")
    people = assignees(call)
    if people is not None:
        values["assignee_ids"] = people
    titles = call.names("labels")
    wanted = record.labels if titles is None else titles
    wanted = [*wanted, *(call.names("add_labels") or [])]
    removed = call.names("remove_labels") or []
    wanted = [title for title in dict.fromkeys(wanted) if title not in removed]
    if wanted != record.labels:
        values["labels"] = wanted
    return {name: value for name, value in values.items() if value != getattr(record, name)}


def state_event(call: Call, record: Issue | MergeRequest) -> str | None:
    """The state change that a PUT asks for, if it makes one. Raises 400."""
    event = call.text("state_event")
    if event is None:
        return None
    if event not in STATE_EVENTS:
        raise ApiError(400, error="state_event does not have a valid value")
    return event if record.state == STATE_EVENTS[event][0] else None


def changes(
    gitlab: Instance, project: Project, before: Issue | MergeRequest, after: Issue | MergeRequest
) -> dict[str, Any]:
    """`changes` of a payload: what differs, in the form that each attribute has there."""
    found = {"updated_at": common.change(hook_time(before.updated_at), hook_time(after.updated_at))}
    for name in _COMPARED[type(before)]:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            found[name] = common.change(old, new)
    if isinstance(before, Issue) and isinstance(after, Issue) and before.closed_at != after.closed_at:
        found["closed_at"] = common.change(hook_time(before.closed_at), hook_time(after.closed_at))
    if before.state != after.state:
        found["state_id"] = common.change(_STATE_IDS[before.state], _STATE_IDS[after.state])
    if before.labels != after.labels:
        found["labels"] = common.change(
            *(common.labels(labels(gitlab, project, record.labels)) for record in (before, after))
        )
    for name, ids in (("assignees", "assignee_ids"), ("reviewers", "reviewer_ids")):
        old, new = getattr(before, ids, []), getattr(after, ids, [])
        if old != new:
            people = [[common.user(person) for person in gitlab.users.existing(side)] for side in (old, new)]
            found[name] = common.change(*people)
    return found


def search(call: Call, table: str, project: Project) -> list[Any]:
    """Rows of a list, newest first, by `state` (opened, closed, merged, all)."""
    state = call.text("state") or "all"
    return call.gitlab.store.all(
        f"SELECT * FROM {table} WHERE project_id = ? AND ? IN ('all', state) ORDER BY id DESC",  # noqa: S608
        project.id, state,
    )  # fmt: skip
