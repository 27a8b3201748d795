"""What a pattern of a site's list of projects (sources.gitlab.project_list) finds in GitLab at the time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from relays.sources.gitlab.project_list import ProjectList, group_of
from relays.sources.gitlab.reader import Ask
from relays.sources.gitlab.rest import GitLabError, PlaceApi, Query, Server, UnknownError

_PAGE = 100
_MOST_PAGES = 1000


@dataclass(frozen=True)
class Pattern:
    """A pattern at `path`, of `listed` projects, and the GitLab that it is looked up in."""

    server: Server
    path: str
    listed: ProjectList

    @property
    def group(self) -> PlaceApi:
        """The group that it is of, which may be a user's namespace."""
        return PlaceApi(self.server, group_of(self.path), "groups")

    @property
    def with_subgroups(self) -> bool:
        """Whether it is of all that is below the group."""
        return self.path.endswith("/**")

    def projects(self, ask: Ask) -> Sequence[PlaceApi]:
        """Those in use that it finds, and neither a path lists nor a pattern before it finds. GitLabError.

        Each page of the list is a question, put by `ask`.
        """
        return [
            PlaceApi(self.server, path)
            for each in self._all(ask)
            if isinstance(path := each.get("path_with_namespace"), str)
            and self.listed.pattern_of(path) == self.path
            and not self.listed.names(path)
        ]

    def _all(self, ask: Ask) -> Sequence[Mapping[str, Any]]:
        try:
            return list(self._pages(self.group, ask))
        except UnknownError:
            if "/" in self.group.path:
                raise
            return list(self._pages(PlaceApi(self.server, self.group.path, "users"), ask))

    def _pages(self, place: PlaceApi, ask: Ask) -> Iterator[Mapping[str, Any]]:
        unknown = f"there is no group {place.path} that the token may see: correct the token, or the group"
        query: Query = {
            "simple": "true",
            "archived": "false",
            "include_subgroups": "true" if self.with_subgroups else "false",
            "per_page": _PAGE,
        }
        for number in range(1, _MOST_PAGES + 1):
            page = ask(partial(place.page, "projects", {**query, "page": number}, "projects", unknown))
            yield from page
            if len(page) < _PAGE:
                return
        raise GitLabError(f"the list of {self.path} has no end")
