"""The projects of a site as its events name them: whose they are, and how they are kept apart.

That is by the shortest end of their paths that no other one has. What a pattern finds is not known beforehand: such a
project is called by its path below the group if the site has no other pattern, else by its full path, and so are those
that are listed by their paths beside a pattern.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from relays.sources.gitlab.event import Event, project_of
from relays.sources.gitlab.events.common import SHOWN_PROJECT
from relays.sources.gitlab.project_list import ProjectList, group_of


@dataclass(frozen=True)
class Projects:
    """The projects that a site lists (sources.gitlab.project_list), and whether events of `others` are announced.

    Without any entry they are not known: all events are announced, and every project is shown by its name.
    """

    entries: Sequence[str] = ()
    others: bool = False

    @cached_property
    def listed(self) -> ProjectList:
        """The entries, read."""
        return ProjectList(self.entries)

    def is_foreign(self, event: Event) -> bool:
        """Whether an event is of another project and not to be announced, such as of a hook that was left behind."""
        # What names no project came by a hook that somebody made for it.
        project = project_of(event.payload)
        return bool(self.entries and project) and not self.others and project not in self.listed

    def named(self, event: Event) -> Event:
        """The event with what its project is to be called, unless its name says enough."""
        shown = self._shown(event)
        return replace(event, payload=event.payload.but((SHOWN_PROJECT,), shown)) if shown else event

    def short_name(self, path: str) -> str:
        """What a project of the site is called; nothing where there is no other one."""
        pattern = self.listed.pattern_of(path)
        if pattern is not None:
            alone = len(self.listed.patterns) == 1
            return self._shortest(path, group_of(pattern).count("/") + 1) if alone else path
        if self.listed.patterns:
            return path
        return self._shortest(path) if len(self.entries) > 1 else ""

    def _shown(self, event: Event) -> str:
        if event.project in self.listed:
            return self.short_name(event.project)
        # Another project than those of the site, which a hook of a group or of the whole system can bring.
        return project_of(event.payload) if self.entries else ""

    def _shortest(self, path: str, longest_start: int | None = None) -> str:
        """The shortest end that no project listed by its path has; it begins at that part at the latest."""
        parts = path.split("/")
        others = [
            other.casefold().split("/") for other in self.listed.paths if other.casefold() != path.casefold()
        ]
        for start in range(len(parts) - 1 if longest_start is None else longest_start, 0, -1):
            end = path.casefold().split("/")[start:]
            if all(other[-len(end) :] != end for other in others):
                return "/".join(parts[start:])
        return path
