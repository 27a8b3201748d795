"""How the projects of a site are told apart: by the shortest end of their paths that no other one has."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from relays.gitlab.event import Event
from relays.gitlab.events.common import SHOWN_PROJECT


@dataclass(frozen=True)
class Projects:
    """The full paths of a site's projects; none: they are not known, and every project is shown by its name."""

    paths: Sequence[str] = ()

    def named(self, event: Event) -> Event:
        """The event with what its project is to be called, unless its name says enough."""
        shown = self._shown(event)
        return replace(event, payload=event.payload.but((SHOWN_PROJECT,), shown)) if shown else event

    def _shown(self, event: Event) -> str:
        if event.project.casefold() in map(str.casefold, self.paths):
            return self._shortest(event.project) if len(self.paths) > 1 else ""
        # Another project than those of the site, which a hook of a group or of the whole system can bring.
        known = ("project", "path_with_namespace"), ("project_path_with_namespace",)
        return next(filter(None, (event.payload.text(*path) for path in known)), "") if self.paths else ""

    def _shortest(self, path: str) -> str:
        parts = path.split("/")
        others = [other.casefold().split("/") for other in self.paths if other.casefold() != path.casefold()]
        for start in range(len(parts) - 1, 0, -1):
            end = path.casefold().split("/")[start:]
            if all(other[-len(end) :] != end for other in others):
                return "/".join(parts[start:])
        return path
