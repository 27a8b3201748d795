"""Parameters that issues and merge requests have in common: people, labels, states."""

from datetime import date
from typing import Any

from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.state.errors import ApiError
from lab.standins.gitlab.state.models import Issue, MergeRequest, Project

_SCOPES = ("created_by_me", "created-by-me", "assigned_to_me", "assigned-to-me", "all")
STATE_EVENTS = {"close": ("opened", "closed"), "reopen": ("closed", "opened")}
"""Each `state_event` with the state that it needs and the one it leads to."""


def assignees(call: Call) -> list[int] | None:
    """The assignees that a call asks for: one, as in GitLab's free edition; None when it does not speak of them."""
    wanted = call.ids("assignee_id") if "assignee_id" in call.params else call.ids("assignee_ids")
    return None if wanted is None else [person.id for person in call.instance.users.existing(wanted[:1])]


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


def day(call: Call, name: str) -> str | None:
    """An optional day; an empty one is none. Raises 400."""
    text = call.text(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ApiError(400, error=f"{name} is invalid") from None


def search(call: Call, table: str, project: Project, *orders: str) -> list[Any]:
    """Rows of a list, newest first, by `state` (opened, closed, merged, all); `orders` are further columns to order by.

    What has nothing in that column comes last. Raises 400.
    """
    state, sort = call.text("state") or "all", call.text("sort") or "desc"
    order = call.text("order_by") or "created_at"
    known = {"order_by": ("created_at", "updated_at", *orders), "sort": ("asc", "desc"), "scope": _SCOPES}
    for name, value in (("order_by", order), ("sort", sort), ("scope", call.text("scope") or "all")):
        if value not in known[name]:
            raise ApiError(400, error=f"{name} does not have a valid value")
    return call.instance.store.all(
        f"SELECT * FROM {table} WHERE project_id = ? AND ? IN ('all', state)"  # noqa: S608
        f" ORDER BY {order} IS NULL, {order} {sort}, id {sort}",
        project.id, state,
    )  # fmt: skip


def is_of_those_asked_for(call: Call, record: Issue | MergeRequest) -> bool:
    """Whether it is of the people that a list is asked for: `author_id`, `assignee_id`, `reviewer_id`."""
    people = {
        "author_id": [record.author_id],
        "assignee_id": record.assignee_ids,
        "reviewer_id": record.reviewer_ids if isinstance(record, MergeRequest) else [],
    }
    return all(set(call.ids(name) or ids) & set(ids) for name, ids in people.items() if name in call.params)
