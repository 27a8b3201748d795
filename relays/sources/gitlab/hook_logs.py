"""Which logs of deliveries there are: those of listed projects, and those of all that a pattern finds at the time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from relays.base.addresses import BaseUrl, ProxyUrl
from relays.base.schema import Section, Shown
from relays.sources.gitlab.delivery_log import DeliveryLog
from relays.sources.gitlab.patterns import Pattern
from relays.sources.gitlab.project_list import ProjectEntry, ProjectList
from relays.sources.gitlab.rest import PlaceApi, Server, UnknownError, read_token


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
    proxy: ProxyUrl | None = Field(default=None, description="HTTP proxy by which it is reached")


@dataclass(frozen=True)
class PatternLogs:
    """The logs of the hooks called `hook` of what a pattern finds."""

    pattern: Pattern
    hook: str

    def found(self) -> Sequence[DeliveryLog]:
        """That of the group's hook; where it has none of our name, those of its projects. Raises GitLabError."""
        group = DeliveryLog(self.pattern.group, self.hook, listed=False)
        try:
            if self.pattern.with_subgroups and group.hooks():
                return [group]
        except UnknownError:
            pass  # this edition has none, or the token is not of an owner
        return [DeliveryLog(project, self.hook, listed=False) for project in self.pattern.projects()]


def read_projects(
    table: DeliveryLogSettings | None, credentials: Path, ca: Path | None = None
) -> list[PlaceApi | Pattern]:
    """The projects and patterns of the table [gitlab], read with the credential `gitlab-read-token`; none without both.

    For `ca` see relays.base.tls. StartError as for `read_token`.
    """
    token = read_token(credentials, wanted=table is not None)
    if table is None or token is None:
        return []
    server, listed = Server(table.url, token, ca, table.proxy), ProjectList(table.projects)
    return [
        *(PlaceApi(server, path) for path in listed.paths),
        *(Pattern(server, pattern, listed) for pattern in listed.patterns),
    ]


def logs_of(projects: Sequence[PlaceApi | Pattern], hook: str) -> list[DeliveryLog | PatternLogs]:
    """The logs of the hooks called `hook` of projects, and of what patterns find."""
    return [
        PatternLogs(each, hook) if isinstance(each, Pattern) else DeliveryLog(each, hook) for each in projects
    ]
