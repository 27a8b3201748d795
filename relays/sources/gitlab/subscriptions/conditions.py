"""What a subscription may ask for of events: the conditions of the site's routes, as words typed in the chat.

issue merge_request             names of events
branches=main,release/*         any other condition of a route, its values between commas
"labels=to do"                  in quotes, what has a space in it
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events import KINDS
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.routing import Route, kinds_with, leaves_nothing

EVENTS = "events"
_SAID = ("branches", "labels", "authors")
NAMES = (EVENTS, "actions", *_SAID, *(f"not_{name}" for name in _SAID))
"""The conditions that there are, by their names in the settings."""
KINDS_WITHIN = tuple(
    name
    for name in KINDS
    if name not in ("account", "feature_flag", "group", "member", "project", "token", "vulnerability")
)
"""The kinds of events that there are subscriptions to: what whoever reads a project in GitLab sees of it."""
FOR_MEMBERS = ("deployment",)
"""Those of them that only members see, however open the project is."""
_MOST_VALUES = 20
_LONGEST = 255

Conditions = Mapping[str, tuple[str, ...]]


class ConditionError(ValueError):
    """A condition that no event can meet, or that is none: a key of the wordings, and what it is filled with."""

    def __init__(self, wording: str, **values: str) -> None:
        super().__init__(wording)
        self.wording = wording
        self.values: Mapping[str, str] = values


def read(text: str) -> Conditions:
    """The conditions that a text says, in their order. ConditionError."""
    try:
        words = shlex.split(text)
    except ValueError:
        raise ConditionError("quote", value=text) from None
    found: dict[str, list[str]] = {}
    for word in words:
        name, equals, values = word.partition("=") if "=" in word else (EVENTS, "=", word)
        if name not in NAMES:
            raise ConditionError("unknown", value=name, known=", ".join(NAMES))
        given = [each.strip() for each in values.split(",") if each.strip()]
        if not given:
            raise ConditionError("empty", value=f"{name}{equals}")
        found.setdefault(name, []).extend(each for each in given if each not in found.get(name, ()))
    for name, values_of in found.items():
        if len(values_of) > _MOST_VALUES or any(
            len(each) > _LONGEST or not each.isprintable() for each in values_of
        ):
            raise ConditionError("long", value=name, known=str(_MOST_VALUES))
    return {name: tuple(found[name]) for name in NAMES if name in found}


def written(conditions: Conditions) -> str:
    """The text that says them."""
    return shlex.join(_words(conditions))


def _words(conditions: Conditions) -> Iterator[str]:
    for name, values in conditions.items():
        if name == EVENTS:
            yield from values
        else:
            yield f"{name}={','.join(values)}"


def check(conditions: Conditions, mute: Mute) -> None:
    """Refuse what no event can meet. ConditionError."""
    events = conditions.get(EVENTS, ())
    if unknown := [name for name in events if name not in KINDS_WITHIN]:
        few = "few" if unknown[0] in KINDS else "event"
        raise ConditionError(few, value=unknown[0], known=", ".join(KINDS_WITHIN))
    for name in events:
        if mute.mutes(KINDS[name]):
            raise ConditionError("muted", value=name, known=f"mute.{KINDS[name].muted_by}")
    kinds = [KINDS[name] for name in events or KINDS_WITHIN]
    actions = _all(each.actions for each in kinds)
    if unknown := [name for name in conditions.get("actions", ()) if name not in actions]:
        raise ConditionError("action", value=unknown[0], known=", ".join(actions))
    for condition in _SAID:
        _check(condition, conditions, kinds)


def _check(condition: str, conditions: Conditions, kinds: Sequence[EventKind]) -> None:
    able = kinds_with(condition)
    for name in (condition, f"not_{condition}"):
        if name in conditions and not any(kind.name in able for kind in kinds):
            raise ConditionError("none", value=name, known=", ".join(able))
    if leaves_nothing(conditions.get(condition, ()), conditions.get(f"not_{condition}", ())):
        raise ConditionError("nothing", value=f"not_{condition}", known=condition)


def route(conditions: Conditions) -> Route:
    """What the router goes by: never for what is confidential, and in all else as the webhook's channel."""
    said: dict[str, Any] = dict(conditions)
    return Route(channels=(), **said)


def _all(groups: Iterable[Iterable[str]]) -> list[str]:
    return sorted({each for group in groups for each in group if each})
