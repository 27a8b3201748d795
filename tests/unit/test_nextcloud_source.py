"""A tree that stays missing: only a fresh start sees it through a bind mount."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from relays.delivery.outbox import Outbox
from relays.delivery.tables import OUTBOX
from relays.sources.nextcloud import source as module
from relays.sources.nextcloud.attribution import Attribution
from relays.sources.nextcloud.backend import Disk
from relays.sources.nextcloud.options import TreeOptions
from relays.sources.nextcloud.source import TreeSource
from relays.sources.nextcloud.tables import NEXTCLOUD
from relays.storage.sqlite import SQLite
from relays.storage.store import Store
from relays.wording import CATALOGUES


def test_the_service_is_started_again_for_a_tree_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONGEST_MISSING_SECONDS", 0.3)
    store = Store(SQLite(tmp_path / "relay.db", OUTBOX, NEXTCLOUD))
    store.start()
    left: list[int] = []
    service: Any = SimpleNamespace(
        store=store,
        outbox=Outbox(store, "test"),
        wording=CATALOGUES["fr"],
        note=lambda source, text, **data: None,
    )

    def leave(code: int) -> None:
        left.append(code)
        source.stop()

    service.leave = leave
    place = Disk(str(tmp_path / "missing"))
    source = TreeSource(
        service, place, TreeOptions(tree="/missing", channel="rh"), Attribution(None, place, "")
    )
    source.start()
    source.join(20)
    store.stop()
    assert not source.is_alive()
    assert left == [os.EX_TEMPFAIL]
