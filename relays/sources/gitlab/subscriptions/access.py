"""Who could read a project in GitLab, and so whether it may be announced in a channel.

    project           channel              announced
    public            any                  yes
    any other one     of the whole team    no: who comes in need not be a member of the project
    any other one     with its own people  if each of them is a member of the project that reads all of it

GitLab's API says so, asked with the read token. An internal project counts as a private one, for who is an external
user, and must not see it, the API does not show; so does a public one that keeps some of its parts to its members.
Members read all of a project from the role Reporter on. Who is who is as the site says (`gitlab.people`); whom it does
not name has the same user name in both.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from relays.mattermost.channels import Channel
from relays.sources.gitlab.people import UserNames
from relays.sources.gitlab.project_list import group_of
from relays.sources.gitlab.reader import Ask
from relays.sources.gitlab.rest import GitLabError, PlaceApi, Places, Query, Server, UnknownError
from relays.sources.gitlab.subscriptions.tables import Access

_PAGE = 100
_MOST_PAGES = 50
_REPORTER = 20
_PUBLIC = 20
_LEVELS = {"public": _PUBLIC, "internal": 10, "private": 0}
# What subscriptions may announce of a project is in one of these parts, each of which may be for members alone.
_PARTS = ("issues", "merge_requests", "repository", "builds", "wiki", "snippets", "releases")

UNKNOWN, FOREIGN = "unknown", "foreign"
OPEN_CHANNEL, CROWD, PEOPLE = "open channel", "crowd", "people"
"""Why a project may not be announced in a channel: GitLab shows none (to who asks), its events do not come to this
relay, the whole team could read it, its people are too many to ask about each, or some of them could not read it in
GitLab."""


@dataclass(frozen=True)
class Project:
    """A project as GitLab describes it: who sees it, by GitLab's number, and whether everybody may read it."""

    path: str
    level: int
    is_open: bool


@dataclass(frozen=True)
class Finding:
    """Whether a project may be announced in a channel: `refusal` in a word, and who is in the way.

    There is no `project` where GitLab describes none, or who asks may not know of it.
    """

    project: Project | None
    refusal: str = ""
    people: Sequence[str] = ()

    def noted(self, channel_id: str, now: float) -> Iterator[Access]:
        """What is kept of it."""
        if project := self.project:
            yield Access(channel_id, project.path, self.refusal, project.is_open, project.level, now)


@dataclass
class Readers:
    """Asks the GitLab at `server`, each question put by `ask`, so often as one turn needs it. GitLabError.

    `people` are from names in GitLab to those in Mattermost.
    """

    server: Server
    people: UserNames
    ask: Ask
    _known: dict[tuple[Places, str], frozenset[str]] = field(default_factory=dict)

    def projects(self, target: str) -> list[Project]:
        """Those that a target is of; none where GitLab shows none."""
        try:
            if not target.endswith("*"):
                place = PlaceApi(self.server, target)
                return [_project(self.ask(partial(place.one, "", {}, "the project", "")))]
            query: Query = {"include_subgroups": "true" if target.endswith("/**") else "false"}
            groups = PlaceApi(self.server, group_of(target), "groups")
            return [_project(each) for each in self._pages(groups, "projects", query)]
        except UnknownError:
            return []

    def may_read(self, project: Project, name: str) -> bool:
        """Whether somebody may read all of a project. To others it is as if it were not there, as it is in GitLab."""
        return project.is_open or not self._outsiders(project, [name])

    def judge(self, project: Project, channel: Channel, names: Sequence[str] | None) -> Finding:
        """Whether a project may be announced in a channel with these people."""
        if project.is_open:
            return Finding(project)
        if channel.kind == "open":
            return Finding(project, OPEN_CHANNEL)
        if names is None:
            return Finding(project, CROWD)
        outside = self._outsiders(project, names)
        return Finding(project, PEOPLE if outside else "", outside)

    def _outsiders(self, project: Project, names: Iterable[str]) -> list[str]:
        """Those who are not known to be members that read all of a project."""
        left = list(names)
        group = project.path.rpartition("/")[0]
        # Members of a group are of all that is in it, and are asked for once.
        for place in (PlaceApi(self.server, group, "groups"), PlaceApi(self.server, project.path)):
            if left:
                members = self._members(place)
                left = [name for name in left if not members.intersection(self._in_gitlab(name))]
        return left

    def _in_gitlab(self, name: str) -> Collection[str]:
        """What somebody of Mattermost may be called in GitLab."""
        named = [user.lower() for user, mattermost in self.people.items() if mattermost == name]
        others = {user.lower() for user in self.people}
        return named or ([name] if name not in others else [])

    def _members(self, place: PlaceApi) -> frozenset[str]:
        known = self._known.get((place.of, place.path.lower()))
        if known is None:
            try:
                found = list(self._pages(place, "members/all", {}))
            except UnknownError:
                found = []  # it is of a user, or not for the token to see
            known = frozenset(
                str(each.get("username")).lower()
                for each in found
                if each.get("state") == "active" and _number(each.get("access_level")) >= _REPORTER
            )
            self._known[place.of, place.path.lower()] = known
        return known

    def _pages(self, place: PlaceApi, path: str, query: Query) -> Iterator[Mapping[str, Any]]:
        for number in range(1, _MOST_PAGES + 1):
            page = self.ask(
                partial(place.page, path, {**query, "per_page": _PAGE, "page": number}, "members", "")
            )
            yield from page
            if len(page) < _PAGE:
                return
        raise GitLabError(f"the list of {place.path} has no end")


def _project(found: Mapping[str, Any]) -> Project:
    path, visibility = found.get("path_with_namespace"), str(found.get("visibility"))
    if not isinstance(path, str):
        raise GitLabError("the answer is not GitLab's")
    # What GitLab does not say is as if it were for members.
    level = _LEVELS.get(visibility, 0)
    kept = any(found.get(f"{part}_access_level", "enabled") == "private" for part in _PARTS)
    kept = kept or found.get("public_jobs", True) is False
    return Project(path.lower(), level, level == _PUBLIC and not kept)


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
