"""What `status` judges the chain by: each thing that somebody has to see to, or that does not get on, is not "well"."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from relays.delivery.outbox import Notification, Outbox
from relays.delivery.tables import OUTBOX
from relays.mattermost.markup import Markup
from relays.mattermost.message import RELAY, Message
from relays.mattermost.slash_command import SlashCommand
from relays.sources.gitlab.commands.status import Links, Status
from relays.sources.gitlab.dead_letters import DeadLetters
from relays.sources.gitlab.inbox import Delivery, Inbox
from relays.sources.gitlab.tables import GITLAB
from relays.storage.store import Store
from relays.wording import CATALOGUES
from tests.postgresql import on_both_spools
from tests.stores import running_store

NOW = 1_800_000_000.0
MINUTE, HOUR = 60.0, 3600.0


def wait(seconds: float, state: str = "ready") -> Callable[[Store], None]:
    """A message that has waited so long, or was put aside."""

    def work(store: Store) -> None:
        message = Message(RELAY, ":x:", summary=Markup("x"), text=Markup("x"))
        Outbox(store, "test").put(lambda db: [Notification("key", "dev", message)]).result()
        store.submit(
            lambda db: db.execute("UPDATE outbox SET created_at = ?, state = ?", (NOW - seconds, state))
        ).result()

    return work


def receive(last: float | None, held: bool = False) -> Callable[[Store], None]:
    """An event that waits to be processed, where the last one was processed so many seconds ago."""

    def work(store: Store) -> None:
        Inbox(store).put(lambda: [Delivery("key", b"{}")]).result()
        if last is not None:
            row = ("before", NOW - last)
            store.submit(
                lambda db: db.execute("INSERT INTO told_delivery (delivery_key, told_at) VALUES (?, ?)", row)
            ).result()
        if held:
            moments = ("key", "act", NOW + 2, NOW + 9)
            store.submit(lambda db: db.execute("INSERT INTO held VALUES (?, ?, ?, ?)", moments)).result()

    return work


def die(store: Store) -> None:
    """An event that cannot be announced."""
    receive(0.0)(store)
    store.submit(lambda db: DeadLetters(store).put(db, 1, "heavy")).result()
    store.submit(lambda db: db.execute("DELETE FROM received")).result()


def nothing(store: Store) -> None:
    """Nothing has happened."""


STATES: dict[str, tuple[Callable[[Store], None], dict[str, str], bool, bool]] = {
    "nothing at all": (nothing, {}, True, True),
    "a message on its way": (wait(MINUTE), {}, True, True),
    "a message that waits for long": (wait(16 * MINUTE), {}, True, False),
    "a message of yesterday": (wait(20 * HOUR), {}, True, False),
    "a message put aside": (wait(MINUTE, "parked"), {}, True, False),
    "a message delivered": (wait(20 * HOUR, "done"), {}, True, True),
    "a dead letter": (die, {}, True, False),
    "the first event": (receive(None), {}, True, True),
    "an event after another one": (receive(MINUTE), {}, True, True),
    "an event that nobody processes": (receive(HOUR), {}, True, False),
    "an event after a quiet hour, held back": (receive(HOUR, held=True), {}, True, True),
    "a channel that is held up": (nothing, {"dev": "archived"}, True, False),
    "a thread that hangs": (nothing, {}, False, False),
}


@on_both_spools
@pytest.mark.parametrize("name", STATES)
def test_all_is_well_only_if_nothing_waits_for_somebody(tmp_path: Path, spool: str | None, name: str) -> None:
    make, held, runs, well = STATES[name]
    with running_store(tmp_path, spool, OUTBOX, GITLAB) as store:
        store.now = lambda: NOW  # type: ignore[method-assign]
        make(store)
        links = Links(
            store, Inbox(store), Outbox(store, "test"), DeadLetters(store), lambda: held, lambda: runs
        )
        command = SlashCommand("taaf", "dev", "c" * 26, "u" * 26, "/passerelle", ("status",))
        asked = SimpleNamespace(command=command, wording=CATALOGUES["fr"])
        said = Status(links).answer(asked)  # type: ignore[arg-type]
    assert ("tout fonctionne" in said.splitlines()[0]) is well
    assert ("mis de côté" in said) is ("aside" in name or "dead" in name)
