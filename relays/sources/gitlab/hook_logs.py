"""Which logs of deliveries there are: those of listed projects, and those of all that a pattern finds at the time."""

from collections.abc import Sequence
from dataclasses import dataclass

from relays.sources.gitlab.delivery_log import DeliveryLog
from relays.sources.gitlab.patterns import Pattern
from relays.sources.gitlab.reader import Ask
from relays.sources.gitlab.rest import PlaceApi, UnknownError


@dataclass(frozen=True)
class PatternLogs:
    """The logs of the hooks called `hook` of what a pattern finds."""

    pattern: Pattern
    hook: str

    def found(self, ask: Ask) -> Sequence[DeliveryLog]:
        """That of the group's hook; where it has none of our name, those of its projects. Raises GitLabError.

        Each question is put by `ask`.
        """
        group = DeliveryLog(self.pattern.group, self.hook, listed=False)
        try:
            if self.pattern.with_subgroups and ask(group.hooks):
                return [group]
        except UnknownError:
            pass  # this edition has none, or the token is not of an owner
        return [DeliveryLog(project, self.hook, listed=False) for project in self.pattern.projects(ask)]


def logs_of(projects: Sequence[PlaceApi | Pattern], hook: str) -> list[DeliveryLog | PatternLogs]:
    """The logs of the hooks called `hook` of projects, and of what patterns find."""
    return [
        PatternLogs(each, hook) if isinstance(each, Pattern) else DeliveryLog(each, hook) for each in projects
    ]
