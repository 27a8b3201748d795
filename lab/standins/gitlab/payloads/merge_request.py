"""A merge request as the API shows it."""

from typing import Any

from lab.standins.gitlab.payloads import user
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import MergeRequest, Project


def to_json(instance: Instance, project: Project, merge_request: MergeRequest) -> dict[str, Any]:
    """A merge request as the API shows it."""
    web_root = instance.config.external_url
    assignees, reviewers = (
        [user.brief(person, web_root) for person in instance.users.existing(ids)]
        for ids in (merge_request.assignee_ids, merge_request.reviewer_ids)
    )
    author = instance.users.get(merge_request.author_id)
    merger = instance.users.get(merge_request.merge_user_id) if merge_request.merge_user_id else None
    status = _detailed_status(instance, project, merge_request)
    number = f"!{merge_request.iid}"
    return {
        "id": merge_request.id,
        "iid": merge_request.iid,
        "project_id": project.id,
        "title": merge_request.title,
        "description": merge_request.description,
        "state": merge_request.state,
        "created_at": merge_request.created_at,
        "updated_at": merge_request.updated_at,
        "merged_at": merge_request.merged_at,
        "merge_user": user.brief(merger, web_root) if merger else None,
        "closed_at": merge_request.closed_at,
        "source_branch": merge_request.source_branch,
        "target_branch": merge_request.target_branch,
        "source_project_id": project.id,
        "target_project_id": project.id,
        "author": user.brief(author, web_root) if author else None,
        "assignees": assignees,
        "assignee": assignees[0] if assignees else None,
        "reviewers": reviewers,
        "labels": merge_request.labels,
        "draft": merge_request.draft,
        "work_in_progress": merge_request.draft,
        "milestone": None,
        "merge_status": "cannot_be_merged" if status == "conflict" else "can_be_merged",
        "detailed_merge_status": status,
        "has_conflicts": status == "conflict",
        "sha": merge_request.source_sha,
        "merge_commit_sha": merge_request.merge_commit_sha,
        "squash_commit_sha": None,
        "user_notes_count": instance.store.count(
            "SELECT count(*) FROM notes WHERE noteable_type = 'MergeRequest' AND noteable_id = ?",
            merge_request.id,
        ),
        "force_remove_source_branch": merge_request.remove_source_branch,
        "web_url": f"{project.web_url}/-/merge_requests/{merge_request.iid}",
        "references": {"short": number, "relative": number, "full": f"{project.full_path}{number}"},
    }


def _detailed_status(instance: Instance, project: Project, merge_request: MergeRequest) -> str:
    if merge_request.state != "opened":
        return "not_open"
    if merge_request.draft:
        return "draft_status"
    mergeable = instance.repository(project).mergeable(merge_request.target_branch, merge_request.source_sha)
    return "mergeable" if mergeable else "conflict"
