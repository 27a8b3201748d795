"""The host's clock jumps: by hours, days, years, forward and back."""

import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.faults.clock import Clock
from tests.faults.ledger import Ledger
from tests.faults.traffic import ROUTES, Documents, Events, more
from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink

JUMPS = ("+3h", "+0", "-3h", "+40d", "-40d", "+10y", "-10y", "+0")

AT_STARTS = ("-40d", "+10y", "+0")


def years(relay: Relay) -> float:
    """How far apart the times are that the relay has stored."""
    with closing(sqlite3.connect(f"file:{relay.state}/relay.db?mode=ro", uri=True)) as db:
        ((seconds,),) = db.execute("SELECT max(created_at) - min(created_at) FROM outbox")
    return float(seconds / 365 / 86400)


def test_events(
    gitlab_with: Callable[[str], Relay], listener: socket.socket, sink: Sink, ledger: Ledger, clock: Clock
) -> None:
    relay = gitlab_with(ROUTES)
    relay.start(listener=listener, through=clock.through)
    with Events(listener.getsockname()[1], sink) as events:
        for offset in JUMPS:
            clock.jump(offset)
            more(events)
            # Posts that failed wait for a time of the next clock.
            before = events.accepted
            sink.stop()
            wait_for(lambda before=before: events.accepted > before + 40)  # type: ignore[misc]
            sink.start()
    assert set(events.answers) == {200}
    assert years(relay) >= 20
    ledger.settle(f"GitLab relay: clock jumps x {len(JUMPS)}", events)


def test_documents(one_by_one: Relay, tree: Path, sink: Sink, ledger: Ledger, clock: Clock) -> None:
    one_by_one.start(through=clock.through)
    wait_for(lambda: "watching tree" in one_by_one.text)
    with Documents(tree, sink) as documents:
        for offset in JUMPS:
            clock.jump(offset)
            more(documents)
        for offset in AT_STARTS:
            one_by_one.terminate()
            clock.jump(offset)
            one_by_one.start(through=clock.through)
            more(documents)
    assert years(one_by_one) >= 20
    ledger.settle(f"Nextcloud relay: clock jumps x {len(JUMPS) + len(AT_STARTS)}", documents)
