"""Which logs of deliveries there are: those of listed projects, and those of all that a pattern finds at the time."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, Field

from relays.base.addresses import BaseUrl
from relays.base.schema import Section, Shown
from relays.base.settings import StartError, read_optional_secret
from relays.sources.gitlab.delivery_log import DeliveryLog
from relays.sources.gitlab.project_list import ProjectEntry, ProjectList, group_of
from relays.sources.gitlab.reader import DeliveryLogError, Query, Reader, UnknownError

_PAGE = 100
_MOST_PAGES = 1000


def _some(projects: tuple[str, ...]) -> tuple[str, ...]:
    if not projects:
        raise ValueError("names no project: name one, or remove the table and the credential")
    return projects


class DeliveryLogSettings(Section):
    """Where GitLab's log of deliveries is."""

    url: BaseUrl = Field(description="address of GitLab")
    projects: Annotated[tuple[ProjectEntry, ...], AfterValidator(_some)] = Field(
        description="those of the site, as in `gitlab.projects`"
    )
    hook: Shown = Field(description="name of their hook")


@dataclass(frozen=True)
class PatternLogs:
    """The logs of what a pattern finds, of `listed` projects but those that are listed by their paths."""

    reader: Reader
    pattern: str
    listed: ProjectList
    hook: str

    @property
    def path(self) -> str:
        """What a trouble names."""
        return self.pattern

    def found(self) -> Sequence[DeliveryLog]:
        """That of the group's hook; where it has none of our name, those of its projects. Raises DeliveryLogError."""
        group = DeliveryLog(self.reader, group_of(self.pattern), self.hook, of="groups", listed=False)
        try:
            if self.pattern.endswith("/**") and group.hooks():
                return [group]
        except UnknownError:
            pass  # this edition has none, or the token is not of an owner
        return [
            DeliveryLog(self.reader, path, self.hook, listed=False)
            for each in self._projects()
            if isinstance(path := each.get("path_with_namespace"), str)
            and self.listed.pattern_of(path) == self.pattern
            and not self.listed.names(path)
        ]

    def _projects(self) -> list[Mapping[str, Any]]:
        name = quote(group_of(self.pattern), safe="")
        unknown = f"there is no group {group_of(self.pattern)} that the token may see: correct the token, or the group"
        query: Query = {
            "simple": "true",
            "archived": "false",
            "include_subgroups": "true" if self.pattern.endswith("/**") else "false",
        }
        try:
            return self._pages(f"groups/{name}/projects", query, unknown)
        except UnknownError:
            if "/" in group_of(self.pattern):
                raise
            return self._pages(f"users/{name}/projects", query, unknown)

    def _pages(self, path: str, query: Query, unknown: str) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for page in range(1, _MOST_PAGES + 1):
            entries = self.reader.get(path, {**query, "per_page": _PAGE, "page": page}, unknown)
            found += entries
            if len(entries) < _PAGE:
                return found
        raise DeliveryLogError(f"the list of {self.pattern} has no end")


def read_hook_logs(
    table: DeliveryLogSettings | None, credentials: Path, ca: Path | None = None
) -> list[DeliveryLog | PatternLogs]:
    """The logs that the table [gitlab] and the credential `gitlab-read-token` lead to; none if both are missing.

    For `ca` see relays.base.tls. StartError if only one of them is there or the credential cannot be used.
    """
    token = read_optional_secret(credentials, "gitlab-read-token")
    if table is None:
        if token is not None:
            raise StartError(
                "gitlab-read-token is there, but the settings have no [gitlab]: add url, projects and hook, "
                "or remove the credential"
            )
        return []
    if token is None:
        raise StartError(
            f"{credentials / 'gitlab-read-token'} is missing while the settings have [gitlab]: write a token with the "
            "scope read_api into it, or remove the table"
        )
    if not re.fullmatch(r"[!-~]+", token):
        raise StartError(f"{credentials / 'gitlab-read-token'} is not a token (value not shown): correct it")
    reader, listed = Reader(table.url, token, ca), ProjectList(table.projects)
    return [
        *(DeliveryLog(reader, project, table.hook) for project in listed.paths),
        *(PatternLogs(reader, pattern, listed, table.hook) for pattern in listed.patterns),
    ]
