"""Which channels an event goes to.

Routes are tried in their order. The first that matches decides, unless it is not `final`: then the routes after it
are tried as well. What no route decides takes the default one. A channel gets an event once, as the first route to
it says. In a pattern `*` stands for any characters, slashes among them, `?` for one; case does not matter.
"""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from relays.base.schema import STRICT
from relays.mattermost.settings import ChannelName
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events import KINDS
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.noise import is_bot
from relays.sources.gitlab.payload import Payload
from relays.wording import Language

Detail = Literal["full", "short"]
Conversations = Literal["threads", "in place", "single"]
Pattern = Annotated[str, Field(min_length=1)]

# What a kind must say of its events, for a condition to be met by any of them.
_ABLE = {
    "branches": [name for name, kind in KINDS.items() if kind.branch_at],
    "labels": [name for name, kind in KINDS.items() if kind.labels_at],
    "authors": [name for name, kind in KINDS.items() if kind.author_at],
}
_BOT = Payload({"user": {"username": "project_1_bot"}})
_MAYBE_CONFIDENTIAL = [name for name, kind in KINDS.items() if kind.maybe_confidential]


@dataclass(config=STRICT, frozen=True)
class Route:
    """Where the events go that meet every condition; a condition that is empty is met by all.

    What it does not say of language, detail and conversations is as for the channel of the webhook.
    """

    channels: tuple[ChannelName, ...] = Field(
        description="channels of the team; none: what is taken is dropped"
    )
    projects: tuple[Pattern, ...] = Field(
        default=(), description="full paths; `*` stands for anything, `/` too"
    )
    events: tuple[Pattern, ...] = Field(default=(), description="names of events, such as `merge_request`")
    actions: tuple[Pattern, ...] = Field(default=(), description="what happened, such as `merge` or `failed`")
    branches: tuple[Pattern, ...] = Field(
        default=(), description="names or patterns; of a merge request the target"
    )
    labels: tuple[Pattern, ...] = Field(
        default=(), description="labels of an issue or merge request, any of which will do"
    )
    authors: tuple[Pattern, ...] = Field(
        default=(),
        description="user names in GitLab of whoever did it; those of access tokens are `project_*_bot*` and "
        "`group_*_bot*`",
    )
    not_branches: tuple[Pattern, ...] = Field(default=(), description="branches that it does not take")
    not_labels: tuple[Pattern, ...] = Field(
        default=(), description="labels any of which keeps an issue or merge request out of it"
    )
    not_authors: tuple[Pattern, ...] = Field(
        default=(), description="user names whose events it does not take"
    )
    confidential: bool = Field(
        default=False,
        description="the route takes confidential events, which go nowhere else, and those alone",
    )
    final: bool = Field(
        default=True,
        description="what it takes ends here; `false`: the routes below and the webhook's channel get it too",
    )
    language: Language | None = Field(
        default=None, description="of its messages; without it, `relays.language`"
    )
    detail: Detail | None = Field(default=None, description="of its messages; without it, `gitlab.detail`")
    conversations: Conversations | None = Field(
        default=None, description="of a bot, as `gitlab.conversations`, which it is without it"
    )

    def matches(self, event: Event) -> bool:
        """Whether an event meets every condition."""
        return (
            self.confidential == event.confidential
            and (not self.events or event.name in self.events)
            and (not self.actions or not event.actions.isdisjoint(self.actions))
            and _any_matches(self.projects, [event.project])
            and all(
                _any_matches(getattr(self, condition), said)
                and not (excluded and _any_matches(excluded, said))
                for condition, said in (
                    ("branches", [event.branch] if event.branch else []),
                    ("labels", event.labels),
                    ("authors", [event.author] if event.author else []),
                )
                for excluded in [getattr(self, f"not_{condition}")]
            )
        )


def targets(routes: Sequence[Route], event: Event) -> dict[str, Route]:
    """The channels that an event goes to, each with the route that says how it is announced."""
    found: dict[str, Route] = {}
    for route in routes:
        if route.matches(event):
            for channel in route.channels:
                found.setdefault(channel, route)
            if route.final:
                break
    return found


def dropped(routes: Sequence[Route], event: Event) -> tuple[int, list[str]]:
    """The place of the route that drops an event, from 0, and the channels that would get the event without such ones.

    Of these only channels that a route leads some event of the project to: to the others it is as if there were none.
    """
    taken = [(place, route) for place, route in enumerate(routes) if route.matches(event)]
    place = next((place for place, route in taken if route.final and not route.channels), -1)
    kept = [route for route in routes if route.channels or not route.final]
    channels = targets(kept, event) if place >= 0 else {}
    confidential = event.confidential
    return place, [
        channel for channel in channels if shows(routes, channel, event.project, confidential=confidential)
    ]


def shows(routes: Sequence[Route], channel: str, project: str, *, confidential: bool = False) -> bool:
    """Whether some event of a project, confidential or not, gets into a channel."""
    for route in routes:
        if route.confidential != confidential or not _any_matches(route.projects, [project]):
            continue
        if channel in route.channels:
            return True
        conditions = ("events", "actions", *_ABLE, *(f"not_{name}" for name in _ABLE))
        if route.final and not any(getattr(route, name) for name in conditions):
            return False
    return False


def kinds_with(condition: str) -> Sequence[str]:
    """The kinds of events that say something a condition is about: `branches`, `labels` or `authors`."""
    return _ABLE[condition]


def leaves_nothing(wanted: Sequence[str], excluded: Sequence[str]) -> bool:
    """Whether all that patterns are for is left out by others."""
    return bool(wanted) and all(any(_covers(no, yes) for no in excluded) for yes in wanted)


def faults(routes: Sequence[Route], mute: Mute) -> Iterator[tuple[int, str]]:
    """The routes, by their place from 0, that no event can ever take, each with the reason and the remedy."""
    for place, route in enumerate(routes):
        reason = _impossible(route, mute)
        if reason is None:
            wider = next(
                (n for n, earlier in enumerate(routes[:place]) if _takes_all_of(earlier, route)), None
            )
            if wider is not None:
                reason = (
                    f"route {wider + 1} above it takes all of its events: put it before that one, "
                    "or say final = false there"
                )
        if reason is not None:
            yield place, reason


def _impossible(route: Route, mute: Mute) -> str | None:
    """Why the conditions of a route exclude each other."""
    if unknown := [name for name in route.events if name not in KINDS]:
        return f"events: there is no {', '.join(unknown)}; known are {', '.join(KINDS)}"
    kinds = [KINDS[name] for name in route.events or KINDS]
    known = {action for kind in kinds for action in kind.actions}
    if unknown := [action for action in route.actions if action not in known]:
        return f"actions: none of its events has {', '.join(unknown)}; they have {', '.join(sorted(known))}"
    for condition, able in _ABLE.items():
        wanted, excluded = getattr(route, condition), getattr(route, f"not_{condition}")
        for name in (condition, f"not_{condition}"):
            if getattr(route, name) and not any(kind.name in able for kind in kinds):
                return f"{name}: none of its events has any; only {', '.join(able)} do"
        if leaves_nothing(wanted, excluded):
            return f"not_{condition}: it leaves nothing of {condition}: take one of the two out"
    if route.confidential and not any(kind.maybe_confidential for kind in kinds):
        return f"confidential: none of its events is; only {', '.join(_MAYBE_CONFIDENTIAL)} can be"
    muted = (KINDS[name] for name in route.events if mute.mutes(KINDS[name]))
    if kind := next(muted, None):
        return f"events: {kind.name} is muted: set mute.{kind.muted_by} = false, or take it out"
    if (
        route.authors
        and mute.bots
        and all(map(is_bot, route.authors))
        and all(map(partial(_mutes_bots, route), kinds))
    ):
        return "authors: bots are muted in all of its events: set mute.bots = false, or name other authors"
    return None


def _mutes_bots(route: Route, kind: EventKind) -> bool:
    """Whether a kind says nothing that the route takes, if a bot did it."""
    actions = [action for action in kind.actions if not route.actions or action in route.actions]
    return not kind.author_at or all("bots" in kind.noises(_BOT, frozenset({each})) for each in actions)


def _takes_all_of(earlier: Route, later: Route) -> bool:
    """Whether what the later route matches is certain to end at the earlier one."""
    return (
        earlier.final
        and earlier.confidential == later.confidential
        and all(
            not wide or (bool(narrow) and all(any(_covers(w, n) for w in wide) for n in narrow))
            for wide, narrow in (
                (getattr(earlier, condition), getattr(later, condition))
                for condition in ("projects", "events", "actions", *_ABLE)
            )
        )
        and all(
            any(_covers(n, w) for n in getattr(later, f"not_{condition}"))
            for condition in _ABLE
            for w in getattr(earlier, f"not_{condition}")
        )
    )


def _covers(wide: str, narrow: str) -> bool:
    """Whether all that matches the one pattern is certain to match the other."""
    wide, narrow = wide.casefold(), narrow.casefold()
    if wide == narrow:
        return True
    if not set(narrow) & set("*?["):
        return fnmatchcase(narrow, wide)
    beginning = wide.removesuffix("*")
    return wide.endswith("*") and not set(beginning) & set("*?[") and narrow.startswith(beginning)


def _any_matches(patterns: Sequence[str], names: Sequence[str] | frozenset[str]) -> bool:
    return not patterns or any(
        fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns for name in names
    )
