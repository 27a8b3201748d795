"""What a subscription is, and the channel that it is for."""

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from relays.mattermost.bot import by_id
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.project_list import covers, group_of
from relays.sources.gitlab.projects import Projects
from relays.sources.gitlab.routing import Route
from relays.sources.gitlab.subscriptions import conditions
from relays.sources.gitlab.subscriptions.conditions import KINDS_WITHIN

_LONGEST = 255
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_TARGET = re.compile(rf"{_NAME}(/{_NAME})*(/\*\*?)?")

ARCHIVED, GONE, WITHOUT_BOT = "archived", "gone", "without bot"
"""What may have become of a channel, which is nothing while all is well."""


class Place(NamedTuple):
    """A channel by its number, as it was last seen: its name, and what has become of it."""

    channel_id: str
    name: str
    state: str = ""

    @property
    def key(self) -> str:
        """What it is called in the outbox."""
        return by_id(self.channel_id)


class Subscription(NamedTuple):
    """A channel hears of a project, or of those of a group (`taaf/*`, with subgroups `taaf/**`), in lower case.

    `conditions` as in relays.sources.gitlab.subscriptions.conditions; `number` is 0 for one that is not stored yet.
    """

    number: int
    channel_id: str
    target: str
    conditions: str
    chosen_by: str
    chosen_at: float

    @property
    def is_of_a_group(self) -> bool:
        """Whether it is of all projects of a group."""
        return self.target.endswith("*")

    @property
    def route(self) -> Route:
        """What its events are announced as if by. ConditionError if a newer release has stored it."""
        return _route(self.conditions)

    def matches(self, event: Event) -> bool:
        """Whether it is for an event, which is not confidential then."""
        return (
            event.name in KINDS_WITHIN and self.matches_project(event.project) and self.route.matches(event)
        )

    def matches_project(self, project: str) -> bool:
        """Whether it is of a project."""
        return covers(self.target, project)


@cache
def _route(text: str) -> Route:
    return conditions.route(conditions.read(text))


def target_of(text: str, projects: Projects) -> str:
    """The target that is meant: a project, or a group, which may be given by its path alone; empty if it is none."""
    if not _TARGET.fullmatch(text) or len(text) > _LONGEST:
        return ""
    text = text.lower()
    if text.endswith("*") or text in projects.listed:
        return text
    return f"{text}/**" if "/" not in text or _listed_below(f"{text}/**", projects) else text


def reaches_us(target: str, projects: Projects) -> bool:
    """Whether the events of a target come to this relay at all, as far as the site says."""
    if not projects.entries or projects.others:
        return True
    if not target.endswith("*"):
        return target in projects.listed
    wide = f"{group_of(target)}/**"
    return _listed_below(target, projects) or any(
        covers(pattern, target) or covers(pattern, wide) for pattern in projects.listed.patterns
    )


def _listed_below(group: str, projects: Projects) -> bool:
    listed: Sequence[str] = (*projects.listed.paths, *projects.listed.patterns)
    return any(covers(group, each) for each in listed)
