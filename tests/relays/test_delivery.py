"""From the outbox to Mattermost: in order, through whatever Mattermost answers, across kills."""

import random
from typing import Any

import pytest

from tests.postgresql import also_on_postgresql
from tests.relays.events import issue, send
from tests.relays.process import Relay, health, undelivered, wait_for
from tests.relays.sink import DROPPED, DROPPED_AFTER_POSTING, OK, Reply, Sink, keys_of


def send_all(relay: Relay, numbers: range) -> list[str]:
    """Send an event for each number; the keys that its messages will have."""
    for number in numbers:
        assert send(relay, issue(number), {"webhook-id": f"e-{number}"}).status_code == 200
    return [f"gitlab:e-{number}" for number in numbers]


@also_on_postgresql
def test_failures_do_not_change_the_order(gitlab: Relay, sink: Sink) -> None:
    chance = random.Random(7)
    failures = [Reply(429, b"limit exceeded\n", {"Retry-After": "0"}), Reply(503), Reply(500, b"{}"), DROPPED]
    failing: set[str] = set()

    def behave(payload: dict[str, Any]) -> Reply:
        key = keys_of(payload)[0]
        # Each message fails once at most, so that the delays stay short.
        if key not in failing and chance.random() < 0.3:
            failing.add(key)
            return chance.choice(failures)
        return OK

    sink.behave = behave
    gitlab.start()
    expected = send_all(gitlab, range(20))
    wait_for(lambda: len(sink.keys) >= len(expected))
    assert sink.keys == expected
    assert len(failing) > 3


def test_what_mattermost_asks_to_wait_is_waited(gitlab: Relay, sink: Sink) -> None:
    replies = [Reply(429, b"limit exceeded\n", {"Retry-After": "2"})]
    sink.behave = lambda payload: replies.pop() if replies else OK
    gitlab.start()
    send_all(gitlab, range(2))
    wait_for(lambda: "retry_in=" in gitlab.text or "unavailable" in gitlab.text)
    wait_for(lambda: len(sink.posts) == 2)
    # The second message was there all the time and waited behind the first.
    assert sink.keys == ["gitlab:e-0", "gitlab:e-1"]
    assert float(gitlab.text.split("after=")[1].split("s")[0]) >= 2


@also_on_postgresql
def test_an_outage_loses_nothing(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    sink.stop()
    expected = send_all(gitlab, range(5))
    wait_for(lambda: "Connection refused" in gitlab.text)
    wait_for(lambda: health(gitlab)[1]["backlog"] == 5)
    wait_for(lambda: gitlab.said("WATCHDOG=1"))
    sink.start()
    wait_for(lambda: len(sink.posts) == 5)
    assert sink.keys == expected


@also_on_postgresql
def test_a_message_that_is_refused_is_parked_and_holds_nobody_up(gitlab: Relay, sink: Sink) -> None:
    refusals = {"gitlab:e-1": Reply(400, b"{}"), "gitlab:e-3": Reply(413, b"{}")}
    sink.behave = lambda payload: refusals.get(keys_of(payload)[0], OK)
    gitlab.start()
    send_all(gitlab, range(5))
    wait_for(lambda: len(sink.posts) == 3)
    assert sink.keys == ["gitlab:e-0", "gitlab:e-2", "gitlab:e-4"]
    wait_for(lambda: undelivered(gitlab) == 0)
    assert health(gitlab)[1]["parked"] == 2
    for key in refusals:
        assert f"parked key={key}" in gitlab.text


def test_a_400_of_a_sick_mattermost_is_not_the_messages_fault(gitlab: Relay, sink: Sink) -> None:
    sink.healthy = False
    sink.behave = lambda payload: OK if sink.healthy else Reply(400, b"{}")
    gitlab.start()
    expected = send_all(gitlab, range(3))
    wait_for(lambda: "unhealthy" in gitlab.text)
    sink.healthy = True
    wait_for(lambda: len(sink.posts) == 3)
    assert sink.keys == expected
    assert health(gitlab)[1]["parked"] == 0


@also_on_postgresql
def test_a_webhook_that_was_deleted_is_waited_for(gitlab: Relay, sink: Sink) -> None:
    sink.hook_known = False
    gitlab.start()
    expected = send_all(gitlab, range(3))
    wait_for(lambda: "misconfigured" in gitlab.text)
    assert health(gitlab)[1]["parked"] == 0
    # The deploy makes the webhook again and restarts the relay with its new address.
    sink.hook_known = True
    gitlab.terminate()
    gitlab.start()
    wait_for(lambda: len(sink.posts) == 3)
    assert sink.keys == expected


def test_faults_of_configuration_are_reported_and_waited_for(gitlab: Relay, sink: Sink) -> None:
    faults = [
        Reply(404),
        Reply(403),
        Reply(501),
        Reply(302, b"", {"Location": "/login"}),
        Reply(200, b"<html>", post=False),
    ]
    for number, fault in enumerate(faults):
        sink.behave = lambda payload, fault=fault: fault  # type: ignore[misc]
        gitlab.start()
        expected = send_all(gitlab, range(number + 1))
        wait_for(lambda number=number: gitlab.text.count("misconfigured") == number + 1)  # type: ignore[misc]
        gitlab.terminate()
    assert sink.posts == []
    sink.behave = lambda payload: OK
    gitlab.start()
    wait_for(lambda: len(sink.posts) == len(expected))
    assert sink.keys == expected


def test_garbage_is_survived_and_what_it_makes_libraries_say_is_not_reported(
    gitlab: Relay, sink: Sink
) -> None:
    garbage = [
        b"HTTP/1.1 503 Unavailable\r\nno header\r\n\r\n",
        b"\0\xff\r\n\r\n",
        b"HTTP/1.1 503 Unavailable\r\nContent-Length: x\r\n\r\n",
    ]
    sink.behave = lambda payload: Reply(raw=garbage.pop()) if garbage else OK
    gitlab.start()
    send_all(gitlab, range(2))
    wait_for(lambda: len(sink.posts) == 2)
    assert sink.keys == ["gitlab:e-0", "gitlab:e-1"]


def test_an_answer_that_never_ends_is_cut_short(gitlab: Relay, sink: Sink) -> None:
    endless = [Reply(status, endless=True) for status in (503, 429, 500)]
    sink.behave = lambda payload: endless.pop() if endless else OK
    gitlab.start()
    expected = send_all(gitlab, range(2))
    wait_for(lambda: len(sink.posts) == 2)
    assert sink.keys == expected


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "ping",
    [
        Reply(body=b"<html>"),
        Reply(body=b"\xff\xfe"),
        Reply(body=b"[]"),
        Reply(body=b"[" * 60_000),
        Reply(body=b"{}", endless=True),
        Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"),
    ],
    ids=["HTML", "no text", "a list", "deep", "endless", "truncated"],
)
def test_nonsense_about_its_health_is_no_health(gitlab: Relay, sink: Sink, ping: Reply) -> None:
    refused = [Reply(400, b"{}")]
    sink.ping = ping
    sink.behave = lambda payload: refused.pop() if refused else OK
    gitlab.start()
    expected = send_all(gitlab, range(2))
    wait_for(lambda: len(sink.posts) == 2)
    assert sink.keys == expected


@also_on_postgresql
def test_a_lost_answer_doubles_one_message_and_loses_none(gitlab: Relay, sink: Sink) -> None:
    replies = [OK, DROPPED_AFTER_POSTING]
    sink.behave = lambda payload: replies.pop() if replies else OK
    gitlab.start()
    expected = send_all(gitlab, range(3))
    wait_for(lambda: len(sink.posts) == 4)
    assert sink.keys == [expected[0], *expected]


def test_a_stop_lets_what_is_under_way_finish(gitlab: Relay, sink: Sink) -> None:
    sink.hang()
    gitlab.start()
    expected = send_all(gitlab, range(3))
    wait_for(lambda: sink.attempts == 1)
    # Mattermost does not answer in the time that a stop leaves it: the message is sent again at the start.
    assert gitlab.terminate() == 0
    assert gitlab.said("STOPPING=1")
    sink.go_on()
    gitlab.start()
    wait_for(lambda: len(sink.posts) >= 3)
    wait_for(lambda: undelivered(gitlab) == 0)
    assert list(dict.fromkeys(sink.keys)) == expected
    assert len(sink.posts) <= 4


@also_on_postgresql
def test_kills_while_delivering_double_one_message_each_at_most(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    expected = send_all(gitlab, range(60))
    for share in (15, 30, 45):
        wait_for(lambda share=share: len(sink.keys) >= share)  # type: ignore[misc]
        gitlab.kill()
        gitlab.start()
    wait_for(lambda: undelivered(gitlab) == 0)
    assert list(dict.fromkeys(sink.keys)) == expected
    assert len(sink.posts) <= len(expected) + 3
