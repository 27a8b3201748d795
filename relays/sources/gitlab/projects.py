"""The projects of a site: which they are, and how they are kept apart.

That is by the shortest end of their paths that no other one has.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import AfterValidator

from relays.sources.gitlab.event import Event, project_of
from relays.sources.gitlab.events.common import SHOWN_PROJECT


def _path(value: str) -> str:
    if "://" in value:
        raise ValueError("must be the path of a project, such as group/project, without the server")
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+", value):
        raise ValueError(
            "must be the path of a project, such as group/project, as its address in GitLab has it"
        )
    if value.endswith((".git", ".atom")):
        raise ValueError("must be the path of a project without .git at its end")
    return value


ProjectPath = Annotated[str, AfterValidator(_path)]


@dataclass(frozen=True)
class Projects:
    """The full paths of a site's projects, and whether the events of `others` are announced.

    Without any path they are not known: all events are announced, and every project is shown by its name.
    """

    paths: Sequence[str] = ()
    others: bool = False

    def is_foreign(self, event: Event) -> bool:
        """Whether an event is of another project and not to be announced, such as of a hook that was left behind."""
        # What names no project came by a hook that somebody made for it.
        project = project_of(event.payload)
        return bool(self.paths and project) and not self.others and not self._has(project)

    def named(self, event: Event) -> Event:
        """The event with what its project is to be called, unless its name says enough."""
        shown = self._shown(event)
        return replace(event, payload=event.payload.but((SHOWN_PROJECT,), shown)) if shown else event

    def _shown(self, event: Event) -> str:
        if self._has(event.project):
            return self._shortest(event.project) if len(self.paths) > 1 else ""
        # Another project than those of the site, which a hook of a group or of the whole system can bring.
        return project_of(event.payload) if self.paths else ""

    def _has(self, path: str) -> bool:
        return path.casefold() in map(str.casefold, self.paths)

    def _shortest(self, path: str) -> str:
        parts = path.split("/")
        others = [other.casefold().split("/") for other in self.paths if other.casefold() != path.casefold()]
        for start in range(len(parts) - 1, 0, -1):
            end = path.casefold().split("/")[start:]
            if all(other[-len(end) :] != end for other in others):
                return "/".join(parts[start:])
        return path
