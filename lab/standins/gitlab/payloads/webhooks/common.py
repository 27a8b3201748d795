"""Parts that several webhook payloads share."""

from collections.abc import Iterable
from typing import Any

from lab.standins.gitlab.state.clock import hook_time
from lab.standins.gitlab.state.models import Commit, Label, Project, User


def user(person: User) -> dict[str, Any]:
    """Who did it; the address is hidden unless the account makes it public, and none does here."""
    return {
        "id": person.id,
        "name": person.name,
        "username": person.username,
        "avatar_url": person.avatar_url,
        "email": "[REDACTED]",
    }


def project(record: Project) -> dict[str, Any]:
    """The project, with its deprecated keys."""
    return {
        "id": record.id,
        "name": record.name,
        "description": record.description,
        "web_url": record.web_url,
        "avatar_url": None,
        "git_ssh_url": record.ssh_url,
        "git_http_url": record.http_url,
        "namespace": record.namespace_name,
        "visibility_level": record.visibility_level,
        "path_with_namespace": record.full_path,
        "default_branch": record.default_branch,
        "ci_config_path": None,
        "homepage": record.web_url,
        "url": record.ssh_url,
        "ssh_url": record.ssh_url,
        "http_url": record.http_url,
    }


def repository(record: Project) -> dict[str, Any]:
    """The deprecated short form of the project."""
    return {
        "name": record.name,
        "url": record.ssh_url,
        "description": record.description,
        "homepage": record.web_url,
    }


def commit(record: Commit, of: Project) -> dict[str, Any]:
    """A commit without its files."""
    return {
        "id": record.id,
        "message": record.message,
        "title": record.title,
        "timestamp": record.committed_date,
        "url": f"{of.web_url}/-/commit/{record.id}",
        "author": {"name": record.author_name, "email": record.author_email},
    }


def labels(records: Iterable[Label]) -> list[dict[str, Any]]:
    """Labels of an issue or a merge request."""
    return [
        {
            "id": label.id,
            "title": label.title,
            "color": label.color,
            "project_id": label.project_id,
            "created_at": hook_time(label.created_at),
            "updated_at": hook_time(label.created_at),
            "template": False,
            "description": None,
            "type": "ProjectLabel",
            "group_id": None,
        }
        for label in records
    ]


def change(previous: Any, current: Any) -> dict[str, Any]:
    """One entry of `changes`."""
    return {"previous": previous, "current": current}
