"""A payload of any shape goes all the way from the reading to the words of a site without an error."""

import itertools
import json
import logging
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import pytest

from relays.sources.gitlab import merge_requests, review
from relays.sources.gitlab.correlation import part_of
from relays.sources.gitlab.event import read_event
from relays.sources.gitlab.events import KINDS
from relays.sources.gitlab.history import History
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import Route
from relays.sources.gitlab.tables import GITLAB
from relays.sources.gitlab.templates import EventTemplates
from relays.storage.introspection import SQLITE
from relays.storage.migrations import upgrade
from relays.storage.sqlite import SQLite
from relays.storage.store import Store
from relays.wording import CATALOGUES
from tests.unit.test_relays_messages import FILES, load, paths_of

# What a value can be besides what it is.
ODD: list[object] = [
    *(None, [], {}, "", "x", 7, -1, True, 1.5, 2**70, float("nan"), [None], [[]], [{}]),
    *({"x": None}, "0" * 40, "\ud800", "\0", "Draft: ", [7, "x"], {"name": []}, " ", "é" * 20_000),
]
# The template asks for what any payload may lack.
TEMPLATE = "{{ user }} {{ project | bold }} {{ said }} {{ payload.object_attributes.title | code }} {{ payload.ref }}"
REWORDINGS = {language: EventTemplates(dict.fromkeys(KINDS, TEMPLATE)) for language in ("fr", "en")}
PEOPLE = {"lperrin": "leo", "x": "x", "7": "seven", "": "nobody"}


def routed(**more: Any) -> Route:
    return Route(("dev",), final=False, **more)


# With and without every condition, so that each is asked.
ROUTES = [
    routed(projects=("taaf/*",), branches=("ma*",), labels=("bug",), actions=("open", "failed")),
    Route(("short",), detail="short", language="en", final=False),
    Route(("secret",), confidential=True),
    Route(("dev",)),
]


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """What the relay remembers, on a disk, with nobody who writes."""
    store = Store(SQLite(tmp_path_factory.mktemp("state") / "relay.db", GITLAB))
    yield History.of(store)
    store.close()


@pytest.fixture
def take(memory: History) -> Iterator[Callable[[object], None]]:
    """What the relay does with a payload, short of storing what it makes of it."""
    router = Router(ROUTES, Mute(*[False] * len(fields(Mute))), PEOPLE, REWORDINGS)
    db = sqlite3.connect(":memory:")
    upgrade(db, [GITLAB], SQLITE)

    def through(payload: object) -> None:
        event = memory.pipelines.compare(read_event(Payload(payload)))
        known = memory.merge_requests.of(event)
        memory.merge_requests.may_be_unknown(event)
        part = part_of(event, Mute(), known)
        memory.pipelines.remember(db, event)
        memory.merge_requests.remember(db, event)
        memory.announced.is_echo(db, event, "")
        memory.announced.lead(db, part.leads, ["dev"])
        Mute().reason(event)
        messages = list(router.dispatch(merge_requests.named(event, known))[1].values())
        if part.review:
            messages += [message for _, message in review.build([event, event], CATALOGUES["fr"])]
        for message in messages:
            json.dumps([message.payload(), message.summary], ensure_ascii=False).encode()

    yield through
    db.close()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", FILES)
def test_any_single_value_may_be_anything(
    name: str, take: Callable[[object], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    payload = load(name)
    # In the course of the samples each key is one odd thing after another.
    odd = itertools.cycle(ODD[len(name) % len(ODD) :] + ODD[: len(name) % len(ODD)])
    for path in list(paths_of(payload)):
        if any(isinstance(key, int) and key > 1 for key in path):
            continue
        parent: Any = payload
        for key in path[:-1]:
            parent = parent[key]
        last: Any = path[-1]
        kept, value = parent[last], next(odd)
        parent[last] = value
        try:
            take(payload)
        except Exception as error:
            raise AssertionError(f"{path} = {ascii(value)[:60]}: {error!r}") from error
        parent[last] = kept
    # No template fell back to the built-in words.
    assert not caplog.records
