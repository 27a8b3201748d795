"""A relay goes by the proxy of its settings, and by no other, whatever its environment says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.relays.events import issue, send
from tests.relays.process import Relay, undelivered, wait_for
from tests.relays.sink import Sink
from tests.unit.counting_proxy import Counted, proxy

OUTSIDE = "http://chat.outside.invalid"
# Whoever heeds one of these gets nowhere.
ASTRAY = [
    "env",
    *(f"{name}=http://127.0.0.1:9" for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY")),
    "NO_PROXY=*",
]


def outside(relay: Relay, sink: Sink, by: Counted) -> None:
    """Have the relay know Mattermost by a name that only the proxy knows."""
    conf = relay.home / "credentials" / "webhooks.conf"
    conf.write_text(conf.read_text().replace(sink.url.partition("/hooks/")[0], OUTSIDE))
    relay.configure(f'mattermost_proxy = "{by.url}"\n{relay.settings}')


def port_of(sink: Sink) -> int:
    return int(sink.url.partition("/hooks/")[0].rpartition(":")[2])


@pytest.mark.parametrize("by_proxy", [True, False])
def test_the_gitlab_relay(gitlab: Relay, sink: Sink, by_proxy: bool) -> None:
    with proxy(port_of(sink)) as counted:
        if by_proxy:
            outside(gitlab, sink, counted)
        gitlab.start(through=ASTRAY)
        send(gitlab, issue(1))
        wait_for(lambda: len(sink.posts) == 1 and undelivered(gitlab) == 0)
        assert set(counted.asked) == ({"chat.outside.invalid"} if by_proxy else set())


@pytest.mark.parametrize("by_proxy", [True, False])
def test_the_nextcloud_relay(
    one_by_one: Relay, nextcloud_at: Callable[..., Relay], tree: Path, sink: Sink, by_proxy: bool
) -> None:
    with proxy(port_of(sink)) as counted:
        if by_proxy:
            outside(one_by_one, sink, counted)
        one_by_one.start(through=ASTRAY)
        (tree / "Contrats" / "a.pdf").write_bytes(b"%PDF")
        wait_for(lambda: len(sink.posts) == 1)
        assert set(counted.asked) == ({"chat.outside.invalid"} if by_proxy else set())
