"""The name that is shown of the account which the relay asks as: the one that it has now."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from relays.sources.nextcloud.activity import Actor
from relays.sources.nextcloud.activity_reader import ActivityReader
from relays.sources.nextcloud.cloud import Account, Cloud, CloudResponse
from relays.storage.store import Store

ACCOUNT = Account("http://cloud.invalid", "admin", "password")


class Renaming(Cloud):
    """Has one more deed of the account itself each time that it is asked, and is asked for its `name`."""

    def __init__(self) -> None:
        super().__init__(ACCOUNT, 1.0)
        self.name = "Alice"
        self.asked_names = 0

    def ask(self, method: str, path: str, *asked: object, query: Any = None, **more: object) -> CloudResponse:
        if "since" not in query:
            self.asked_names += 1
            return self._json({"id": "admin", "display-name": self.name})
        row = query["since"] + 1
        if row % 2:
            return CloudResponse(304, {}, b"")
        own = {
            "activity_id": row,
            "type": "file_created",
            "datetime": "2026-01-05T10:00:00+00:00",
            "user": "admin",
            "objects": {"12": "/Documents_RH/a.pdf"},
            "subject_rich": ["You created {file}", {}],
        }
        return self._json([own], {"X-Activity-Last-Given": str(row)})

    @staticmethod
    def _json(data: object, headers: dict[str, str] | None = None) -> CloudResponse:
        page = {"ocs": {"meta": {"statuscode": 200}, "data": data}}
        return CloudResponse(200, headers or {}, json.dumps(page).encode())


def test_a_new_name_shows_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(
        "relays.sources.nextcloud.activity_reader.time",
        SimpleNamespace(monotonic=lambda: clock.now, time=lambda: clock.now),
    )
    cloud = Renaming()
    reading = ActivityReader(ACCOUNT, cloud, cast("Store", None), lambda deeds: None)
    seen = []
    for position, at, name in [(1, 0, "Alice"), (3, 30, "Alice M."), (5, 61, "Alice M."), (7, 90, "")]:
        clock.now, cloud.name, reading.position = 1000.0 + at, name, position
        assert reading.read(lambda: None, 0.0)
        seen.append(reading.named(Actor("admin")).name)
    assert seen == ["Alice", "Alice", "Alice M.", "Alice M."]
    assert cloud.asked_names == 2
    # Those of others come with what they did.
    assert reading.named(Actor("bob", "Bob")).name == "Bob"
    clock.now = 2000.0
    reading.position = 9
    reading.read(lambda: None, 0.0)
    assert reading.named(Actor("admin")).name == "admin"
