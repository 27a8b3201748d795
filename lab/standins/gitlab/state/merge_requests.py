"""Merge requests."""

from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import MergeRequest, Project


def by_id(instance: Instance, merge_request_id: int) -> MergeRequest:
    """The merge request with this id, which exists."""
    row = instance.store.first("SELECT * FROM merge_requests WHERE id = ?", merge_request_id)
    assert row is not None
    return MergeRequest.of(row)


def opened(instance: Instance, project: Project, *, column: str, branch: str) -> list[MergeRequest]:
    """Open merge requests with this source or target branch."""
    rows = instance.store.all(
        f"SELECT * FROM merge_requests WHERE project_id = ? AND state = 'opened' AND {column} = ? ORDER BY id",  # noqa: S608
        project.id, branch,
    )  # fmt: skip
    return [MergeRequest.of(row) for row in rows]
