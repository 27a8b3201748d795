"""The kernel has no watch left for the tree of the Nextcloud relay."""

from pathlib import Path

import pytest

from tests.faults.ledger import Ledger
from tests.faults.traffic import Documents, more
from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink
from tests.relays.test_nextcloud_watch import LIMITED, LIMITS, can_limit


@pytest.mark.skipif(not can_limit(), reason="no user namespaces here")
@pytest.mark.parametrize("limit", ["watches", "instances"])
def test_no_watch_left(one_by_one: Relay, tree: Path, sink: Sink, ledger: Ledger, limit: str) -> None:
    value = {"watches": 3, "instances": 0}[limit]
    one_by_one.start(through=[*LIMITED, f'echo {value} > {LIMITS}{limit} && exec "$@"', "sh"])
    wait_for(lambda: "watching tree" in one_by_one.text)
    with Documents(tree, sink) as documents:
        for _ in range(3):
            more(documents)
    assert "fs.inotify.max_user_watches" in one_by_one.text
    ledger.settle(f"Nextcloud relay: no inotify {limit} left", documents)
