"""What /metrics says, compared with what was sent and what Mattermost saw."""

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.relays.events import body, issue, send
from tests.relays.process import TOKEN, Relay, pending, undelivered, wait_for
from tests.relays.sink import HOOK_ID, OK, Reply, Sink, keys_of
from tests.relays.test_delivery import send_all

CHANNEL = "dev-notifications"


def scrape(relay: Relay) -> requests.Response:
    return requests.get(f"http://127.0.0.1:{relay.port}/metrics", timeout=10)


def figures(relay: Relay) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels."""
    families = text_string_to_metric_families(scrape(relay).text)
    return {
        (sample.name.removeprefix("passerelle_"), *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_figures_agree_with_what_happened(gitlab: Relay, sink: Sink) -> None:
    sink.stop()
    gitlab.start()
    send_all(gitlab, range(30))
    send(gitlab, issue(0), {"webhook-id": "e-0"})
    send(gitlab, b'{"object_kind": "made up"}')
    send(gitlab, b'{"object_kind": "another"}')
    send(gitlab, body("push_normal.json"))
    send(gitlab, b"no JSON")
    send(gitlab, issue(1), {"X-Gitlab-Token": "wrong"})
    wait_for(lambda: figures(gitlab)["backlog_notifications",] == 31 and pending(gitlab) == 0)
    waiting = figures(gitlab)
    assert 0 < waiting["backlog_oldest_age_seconds",] < 60
    assert waiting["storage_failing",] == waiting["pending_events",] == 0
    assert ("last_delivery_timestamp_seconds",) not in waiting
    wait_for(lambda: figures(gitlab).get(("retries_total", "unavailable"), 0) >= 2)

    sink.start()
    wait_for(lambda: undelivered(gitlab) == 0)
    sink.behave = lambda payload: Reply(413) if "gitlab:e-31" in keys_of(payload) else OK
    send_all(gitlab, range(31, 33))
    wait_for(lambda: len(sink.keys) == 32)
    wait_for(lambda: undelivered(gitlab) == 0)
    found = figures(gitlab)
    assert found["events_total", "issue", "accepted"] == 32
    assert found["events_total", "issue", "duplicate"] == 1
    assert found["events_total", "push", "accepted"] == 1
    assert found["events_total", "other", "unsupported"] == 2
    assert found["events_total", "other", "unreadable"] == 1
    assert found["refused_total", "wrong_token"] == 1
    assert found["accept_seconds_count",] == 37
    assert found["delivered_total", CHANNEL] == len(sink.keys) == 32
    digested = [keys_of(post.payload) for post in sink.posts if "passerelle_keys" in post.payload["props"]]
    assert found["digested_total", CHANNEL] == sum(map(len, digested)) == 31
    assert found["delivery_seconds_count",] == 32
    assert found["delivery_seconds_sum",] > 0
    assert found["parked_total", CHANNEL] == found["parked_notifications",] == 1
    assert found["retries_total", "unavailable"] >= 2
    assert found["backlog_notifications",] == found["backlog_oldest_age_seconds",] == 0
    assert found["last_delivery_timestamp_seconds",] > 0
    # A restart forgets the counts, not what waits.
    gitlab.terminate()
    gitlab.start()
    found = figures(gitlab)
    assert found["parked_notifications",] == 1
    assert ("parked_total", CHANNEL) not in found


def test_they_say_when_nothing_can_be_stored(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    gitlab.limit_file_size(0)
    assert send(gitlab, issue(1)).status_code == 503
    found = figures(gitlab)
    assert found["storage_failing",] == 1
    assert found["refused_total", "not_stored"] == 1
    assert not any(name == "events_total" for name, *_ in found)
    gitlab.limit_file_size(-1)


def test_they_are_read_only_and_hold_no_secret(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    send_all(gitlab, range(1))
    wait_for(lambda: sink.posts)
    answer = scrape(gitlab)
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    for secret in (TOKEN, HOOK_ID, "gitlab:e-0", "Issue 0"):
        assert secret not in answer.text
    url = f"http://127.0.0.1:{gitlab.port}/metrics"
    assert requests.head(url, timeout=10).status_code == 200
    assert requests.post(url, timeout=10).status_code == 405
