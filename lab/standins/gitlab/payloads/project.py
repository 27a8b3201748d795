"""A project as the API shows it."""

from typing import Any

from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Project


def to_json(instance: Instance, project: Project) -> dict[str, Any]:
    """A project as the API shows it."""
    empty = not instance.repository(project).has_branches()
    return {
        "id": project.id,
        "description": project.description,
        "name": project.name,
        "name_with_namespace": f"{project.namespace_name} / {project.name}",
        "path": project.path,
        "path_with_namespace": project.full_path,
        "created_at": project.created_at,
        "default_branch": None if empty else project.default_branch,
        "ssh_url_to_repo": project.ssh_url,
        "http_url_to_repo": project.http_url,
        "web_url": project.web_url,
        "readme_url": None if empty else f"{project.web_url}/-/blob/{project.default_branch}/README.md",
        "visibility": project.visibility,
        "empty_repo": empty,
        "archived": project.archived,
        "marked_for_deletion_on": None,
        "creator_id": project.creator_id,
        "issues_enabled": True,
        "merge_requests_enabled": True,
        "jobs_enabled": True,
        "issues_access_level": "enabled",
        "merge_requests_access_level": "enabled",
        "builds_access_level": "enabled",
        "merge_method": "merge",
        "namespace": {
            "id": project.namespace_id,
            "name": project.namespace_name,
            "path": project.namespace_path.rpartition("/")[2],
            "kind": project.namespace_kind,
            "full_path": project.namespace_path,
        },
    }
