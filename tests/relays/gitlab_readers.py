"""What GitLab's API says of who may read a project, as a relay asks it: projects, groups and their members."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.relays.gitlab_site import Front
from tests.relays.sink import Reply

READ_TOKEN = "read0token5of6the7gitlab8api"
GUEST, REPORTER, OWNER = 10, 20, 50


class GitLabReaders:
    """A GitLab with these projects, each with what is described of it; `members` are by project or group."""

    def __init__(self) -> None:
        self.projects: dict[str, dict[str, Any]] = {}
        self.members: dict[str, dict[str, int | str]] = {}
        """Roles by user names, or a state that is not active."""
        self.front = Front("")
        self.front.behave = self._answer
        self.away = False

    def project(self, path: str, visibility: str = "private", **more: Any) -> None:
        """There is a project."""
        self.projects[path] = {"path_with_namespace": path, "visibility": visibility, **more}

    @property
    def settings(self) -> tuple[str, str]:
        """What a relay must know of it: a line, and a table."""
        listed = ", ".join(f'"{path}"' for path in self.projects)
        return (
            f"projects = [{listed}]\n",
            f'[gitlab]\nurl = "{self.front.url}"\nprojects = [{listed}]\nhook = "P"\n',
        )

    def close(self) -> None:
        """Go away."""
        self.front.close()

    def _answer(self, asked: str) -> Reply:
        if self.away:
            return Reply(503, b"")
        of, quoted, *rest = urlsplit(asked).path.removeprefix("/api/v4/").split("/")
        path, below = unquote(quoted).lower(), "/".join(rest)
        if "&page=1" not in f"&{urlsplit(asked).query}" and below:
            return _json([])
        if of == "projects" and path in self.projects:
            if not below:
                return _json(self.projects[path])
            if below == "members/all":
                group = path.rpartition("/")[0]
                return _json(_described(self.members.get(group, {}) | self.members.get(path, {})))
            return _json([])
        if of == "groups" and any(each.startswith(f"{path}/") for each in self.projects):
            if below == "members/all":
                return _json(_described(self.members.get(path, {})))
            if below == "projects":
                return _json([each for name, each in self.projects.items() if name.startswith(f"{path}/")])
            return _json([])
        return Reply(404, b'{"message": "404 Not Found"}')


def _described(members: Mapping[str, int | str]) -> list[dict[str, Any]]:
    return [
        {
            "username": name,
            "access_level": role if isinstance(role, int) else OWNER,
            "state": "active" if isinstance(role, int) else role,
        }
        for name, role in members.items()
    ]


def _json(content: object) -> Reply:
    return Reply(200, json.dumps(content).encode())
