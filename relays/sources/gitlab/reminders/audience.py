"""Who hears of a thing: the channels where the routes lead an event about it, or those that a site names; and persons.

What is confidential is said in no channel but those of routes that are for confidential events.
"""

from collections.abc import Iterable, Mapping, Sequence

from relays.sources.gitlab.event import Event
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.reminders.things import Kind, Thing
from relays.sources.gitlab.routing import Route, targets

# As what an event a thing would come.
_ACTION: Mapping[Kind, str] = {
    "merge_request": "open",
    "issue": "open",
    "pipeline": "failed",
    "milestone": "create",
}


def by_channel(
    things: Iterable[Thing], routes: Sequence[Route], channels: Sequence[str]
) -> dict[str, tuple[Route, list[Thing]]]:
    """What is said in each channel, with the route that says how; `channels` are those that a site names."""
    found: dict[str, tuple[Route, list[Thing]]] = {}
    for thing in things:
        led = targets(routes, _event(thing))
        if channels and thing.confidential:
            led = {channel: route for channel, route in led.items() if channel in channels}
        elif channels:
            led = {channel: led.get(channel, routes[-1]) for channel in channels}
        for channel, route in led.items():
            _, said = found.setdefault(channel, (route, []))
            # A milestone of a group is found in each of its projects.
            if all(other.url != thing.url for other in said):
                said.append(thing)
    return found


def by_person(things: Iterable[Thing]) -> dict[str, list[Thing]]:
    """What each person is reminded of, by their names as users of GitLab."""
    found: dict[str, list[Thing]] = {}
    for thing in things:
        for person in thing.people:
            found.setdefault(person.username, []).append(thing)
    return found


def _event(thing: Thing) -> Event:
    return Event(
        name=thing.kind,
        actions=frozenset((_ACTION[thing.kind],)),
        project=thing.project,
        branch=thing.branch,
        labels=thing.labels,
        confidential=thing.confidential,
        payload=Payload({}),
    )
