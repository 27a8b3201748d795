"""The host's clock jumps: by hours, days, years, forward and back."""

import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.faults.clock import Clock
from tests.faults.ledger import Ledger
from tests.faults.traffic import ROUTES, Documents, Events, more, pile_up
from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink

JUMPS = ("+3h", "+0", "-3h", "+40d", "-40d", "+10y", "-10y", "+0")

AT_STARTS = ("-40d", "+10y", "+0")


def has_jumped(relay: Relay, offset: str) -> bool:
    """Whether what the relay has stored last is of the time that it was set to."""
    with closing(sqlite3.connect(f"file:{relay.state}/relay.db?mode=ro", uri=True)) as db:
        ((latest,),) = db.execute("SELECT created_at FROM outbox ORDER BY id DESC LIMIT 1")
    number, unit = int(offset.rstrip("hdy")), offset[-1]
    wanted = number * {"h": 3600, "d": 86400, "y": 365 * 86400}.get(unit, 1)
    return bool(abs(latest - time.time() - wanted) < 60 + abs(wanted) / 100)


def test_events(
    gitlab_with: Callable[[str], Relay], listener: socket.socket, sink: Sink, ledger: Ledger, clock: Clock
) -> None:
    relay = gitlab_with(ROUTES)
    relay.start(listener=listener, through=clock.through)
    with Events(listener.getsockname()[1], sink) as events:
        for offset in JUMPS:
            clock.jump(offset)
            more(events)
            wait_for(lambda offset=offset: has_jumped(relay, offset))  # type: ignore[misc]
            # Posts that failed wait for a time of the next clock.
            sink.stop()
            pile_up(events, 40)
            sink.start()
    assert set(events.answers) == {200}
    ledger.settle(f"GitLab relay: clock jumps x {len(JUMPS)}", events)


def test_documents(one_by_one: Relay, tree: Path, sink: Sink, ledger: Ledger, clock: Clock) -> None:
    one_by_one.start(through=clock.through)
    wait_for(lambda: "watching tree" in one_by_one.text)
    with Documents(tree, sink) as documents:
        for offset in JUMPS:
            clock.jump(offset)
            more(documents)
            wait_for(lambda offset=offset: has_jumped(one_by_one, offset))  # type: ignore[misc]
        for offset in AT_STARTS:
            one_by_one.terminate()
            clock.jump(offset)
            one_by_one.start(through=clock.through)
            more(documents)
    ledger.settle(f"Nextcloud relay: clock jumps x {len(JUMPS) + len(AT_STARTS)}", documents)
