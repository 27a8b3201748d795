"""A channel that has subscribed is known by its number: who operates is shown its name, who reaches the port is not."""

import json
import re
from collections.abc import Callable

import pytest
import requests

from tests.postgresql import on_both_spools
from tests.relays.bot_sink import BotSink
from tests.relays.commanded import bot, chat
from tests.relays.events import send
from tests.relays.process import Relay, health, undelivered, wait_for
from tests.relays.sink import OK, Reply
from tests.relays.slash import introduce
from tests.relays.test_parked import parked
from tests.relays.test_status import status
from tests.relays.test_subscriptions import (
    HALL,
    ROOM,
    ROOT,
    SITE,
    event,
    in_hall,
    in_room,
    readers,
    relay,
    rooms,
)

__all__ = ["bot", "chat", "readers", "relay", "rooms"]

REFUSED = Reply(400, b'{"id": "model.post.is_valid.msg.app_error"}')


def page(relay: Relay, name: str) -> str:
    return requests.get(f"http://127.0.0.1:{relay.port}/{name}", timeout=5).text


def labels(relay: Relay) -> set[str]:
    """What channels are called in the figures."""
    return set(re.findall(r'channel="([^"]*)"', page(relay, "metrics")))


def waiting(relay: Relay, why: str) -> set[str]:
    """What channels are called on the page that wait, for which reason there is a word."""
    return set(json.loads(page(relay, "health"))[why])


# How Mattermost answers, and where that is seen: lines or names that are of this channel.
SEEN: dict[str, tuple[Reply, Callable[[Relay], object]]] = {
    "held, in status.json": (Reply(401, b"{}"), lambda relay: status(relay).get("held")),
    "held, in systemd's line": (
        Reply(401, b"{}"),
        lambda relay: [line for line in relay.notified if line.startswith("STATUS=")][-1:],
    ),
    "tried again, in status.json": (Reply(503, b""), lambda relay: status(relay).get("retrying")),
    "put aside, in the chat": (
        REFUSED,
        lambda relay: in_room(relay, "dead list", user_id=ROOT).splitlines()[1:],
    ),
    "put aside, on the host": (REFUSED, lambda relay: parked(relay, "list").stdout.splitlines()),
}


# A channel of the site's settings, and one that has subscribed.
BOTH = {"dev", f"id:{ROOM}"}
# How Mattermost answers, and when that has come to what the pages say.
PUBLIC: dict[str, tuple[Reply, Callable[[Relay], bool]]] = {
    "delivered": (OK, lambda relay: undelivered(relay) == 0),
    "held": (Reply(401, b"{}"), lambda relay: waiting(relay, "held") == BOTH),
    "tried again": (Reply(503, b""), lambda relay: waiting(relay, "retrying") == BOTH),
    "put aside": (REFUSED, lambda relay: health(relay)[1]["parked"] == 2),
}


@pytest.mark.parametrize("state", PUBLIC)
def test_pages_that_anybody_can_read_do_not_name_it(relay: Relay, rooms: BotSink, state: str) -> None:
    """It has one label in the figures, whatever it is called; a channel of the site's settings has its name."""
    relay.configure(relay.settings.replace("channels = []", 'channels = ["dev"]'))
    reply, is_seen = PUBLIC[state]
    relay.start()
    in_room(relay, f"subscribe {SITE} issue")
    wait_for(lambda: len(rooms.written("room")) == 1)
    wait_for(lambda: undelivered(relay) == 0)
    rooms.behave = lambda call: reply
    send(relay, event(SITE))
    wait_for(lambda: is_seen(relay), what=state)
    for former, name in (("room", "salon"), ("salon", "atrium")):
        rooms.ids[name] = rooms.ids.pop(former)
        assert SITE in in_room(relay, "list", channel_name=name)
        assert not re.search(r"\b(room|salon|atrium)\b", page(relay, "health") + page(relay, "metrics"))
        assert {f"id:{ROOM}"} <= labels(relay) <= BOTH


@pytest.mark.sampled(4)
@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("ended", [False, True], ids=["subscribed", "not any more"])
def test_a_channel_is_shown_by_its_name(relay: Relay, rooms: BotSink, seen: str, ended: bool) -> None:
    """As long as something waits or is put aside for it, whether it is still subscribed or not."""
    introduce(rooms, ROOT, "root")
    reply, look = SEEN[seen]
    relay.start()
    in_hall(relay, f"subscribe {SITE} issue")
    in_room(relay, f"subscribe {SITE} release")
    wait_for(lambda: len(rooms.written("hall")) == len(rooms.written("room")) == 1)
    rooms.behave = lambda call: OK if call.body.get("channel_id") != HALL else reply
    send(relay, event(SITE))
    if ended:
        wait_for(lambda: undelivered(relay) or reply is REFUSED)
        in_hall(relay, f"unsubscribe {SITE}")
    wait_for(lambda: "hall" in str(look(relay)), what=seen)
    assert HALL not in str(look(relay))
    assert "id:" not in str(look(relay))


@pytest.mark.sampled(2)
@on_both_spools
def test_what_was_put_aside_keeps_its_name(relay: Relay, rooms: BotSink) -> None:
    """Over the end of the subscription, a new name of the channel, a look at all channels and a start."""
    relay.start()
    in_hall(relay, f"subscribe {SITE} issue")
    in_room(relay, f"subscribe {SITE} release")
    wait_for(lambda: len(rooms.written("hall")) == len(rooms.written("room")) == 1)
    rooms.behave = lambda call: OK if call.body.get("channel_id") != HALL else REFUSED
    send(relay, event(SITE))
    wait_for(lambda: parked(relay, "list").stdout)
    for former, name in (("hall", "salon"), ("salon", "atrium")):
        rooms.ids[name] = rooms.ids.pop(former)
        relay.terminate()
        relay.start()
        wait_for(lambda name=name: f"\t{name}\t" in parked(relay, "list").stdout)  # type: ignore[misc]
    in_hall(relay, "unsubscribe all", channel_name="atrium")
    relay.terminate()
    assert "\tatrium\t" in parked(relay, "list").stdout
    relay.start()
    in_room(relay, f"subscribe {SITE} pipeline")
    assert "\tatrium\t" in parked(relay, "list").stdout
    assert in_room(relay, "list").count(SITE) == 2
