"""Projects with their namespaces."""

from typing import Any

from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Project

_QUERY = """
SELECT projects.*, namespaces.name AS namespace_name, namespaces.full_path AS namespace_path,
       namespaces.kind AS namespace_kind, :web_root AS web_root, :ssh_host AS ssh_host
FROM projects JOIN namespaces ON namespaces.id = projects.namespace_id
"""


def select(instance: Instance, condition: str, *parameters: Any) -> list[Project]:
    """Projects that meet an SQL condition, newest first."""
    query = _QUERY.replace(":web_root", "?").replace(":ssh_host", "?")
    rows = instance.store.all(
        f"{query} WHERE {condition} ORDER BY projects.id DESC",
        instance.config.external_url, instance.config.host, *parameters,
    )  # fmt: skip
    return [Project.of(row) for row in rows]


def by_path(instance: Instance, full_path: str) -> Project | None:
    """The project with this namespace and path; letter case does not matter."""
    found = select(instance, "lower(namespaces.full_path || '/' || projects.path) = lower(?)", full_path)
    return found[0] if found else None
