"""What of GitLab is read: the table [gitlab] of gitlab.toml, and the projects and patterns that it comes to."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from relays.base.addresses import BaseUrl, ProxyUrl
from relays.base.schema import Section, Shown
from relays.sources.gitlab.patterns import Pattern
from relays.sources.gitlab.project_list import ProjectEntry, ProjectList
from relays.sources.gitlab.rest import READ_TOKEN, PlaceApi, Server


def _some(projects: tuple[str, ...]) -> tuple[str, ...]:
    if not projects:
        raise ValueError("names no project: name one, or remove the table and the credential")
    return projects


class ReadableSettings(Section):
    """Which projects of GitLab are read, and where."""

    url: BaseUrl = Field(description="address of GitLab")
    projects: Annotated[tuple[ProjectEntry, ...], AfterValidator(_some)] = Field(
        description="those of the site, as in `gitlab.projects`"
    )
    hook: Shown = Field(description="name of their hook")
    proxy: ProxyUrl | None = Field(default=None, description="HTTP proxy by which it is reached")


def read_projects(
    table: ReadableSettings | None, credentials: Path, ca: Path | None = None
) -> list[PlaceApi | Pattern]:
    """The projects and patterns of the table [gitlab], read with the credential `gitlab-read-token`; none without both.

    For `ca` see relays.base.tls. StartError as for `Credential.read`.
    """
    token = READ_TOKEN.read(credentials, wanted=table is not None)
    if table is None or token is None:
        return []
    server, listed = Server(table.url, token, ca, table.proxy), ProjectList(table.projects)
    return [
        *(PlaceApi(server, path) for path in listed.paths),
        *(Pattern(server, pattern, listed) for pattern in listed.patterns),
    ]
