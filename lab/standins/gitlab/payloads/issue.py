"""An issue as the API shows it."""

from typing import Any

from lab.standins.gitlab.payloads import user
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Issue, Project


def to_json(instance: Instance, project: Project, issue: Issue) -> dict[str, Any]:
    """An issue as the API shows it."""
    web_root = instance.config.external_url
    people = [user.brief(person, web_root) for person in instance.users.existing(issue.assignee_ids)]
    author = instance.users.get(issue.author_id)
    return {
        "id": issue.id,
        "iid": issue.iid,
        "project_id": project.id,
        "title": issue.title,
        "description": issue.description,
        "state": issue.state,
        "created_at": issue.created_at,
        "updated_at": issue.updated_at,
        "closed_at": issue.closed_at,
        "due_date": issue.due_date,
        "labels": issue.labels,
        "milestone": None,
        "assignees": people,
        "assignee": people[0] if people else None,
        "author": user.brief(author, web_root) if author else None,
        "type": "ISSUE",
        "issue_type": "issue",
        "severity": "UNKNOWN",
        "confidential": issue.confidential,
        "user_notes_count": instance.store.count(
            "SELECT count(*) FROM notes WHERE noteable_type = 'Issue' AND noteable_id = ?", issue.id
        ),
        "web_url": f"{project.web_url}/-/issues/{issue.iid}",
        "references": {
            "short": f"#{issue.iid}",
            "relative": f"#{issue.iid}",
            "full": f"{project.full_path}#{issue.iid}",
        },
    }
