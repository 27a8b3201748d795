"""Branches, commits and files as the API shows them."""

from typing import Any

from lab.standins.gitlab.state.models import Commit, Project


def commit(project: Project, record: Commit) -> dict[str, Any]:
    """A commit as the API shows it."""
    return {
        "id": record.id,
        "short_id": record.id[:8],
        "created_at": record.committed_date,
        "parent_ids": record.parent_ids,
        "title": record.title,
        "message": record.message,
        "author_name": record.author_name,
        "author_email": record.author_email,
        "authored_date": record.authored_date,
        "committer_name": record.committer_name,
        "committer_email": record.committer_email,
        "committed_date": record.committed_date,
        "web_url": f"{project.web_url}/-/commit/{record.id}",
    }


def branch(project: Project, name: str, head: Commit) -> dict[str, Any]:
    """A branch as the API shows it."""
    default = name == project.default_branch
    return {
        "name": name,
        "commit": commit(project, head),
        "merged": False,
        "protected": default,
        "developers_can_push": False,
        "developers_can_merge": False,
        "can_push": True,
        "default": default,
        "web_url": f"{project.web_url}/-/tree/{name}",
    }
