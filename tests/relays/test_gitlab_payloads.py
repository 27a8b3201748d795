"""Every payload that GitLab is known to send, without any one of its keys: taken, announced, never an error."""

import http.client
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, cast

import pytest

from relays.sources.gitlab.events import KINDS
from tests.relays.events import PAYLOADS, changed, send
from tests.relays.process import TOKEN, Relay, health, stored, undelivered, wait_for
from tests.relays.sink import OK, Reply, Sink

# Nothing is muted, so that everything has to be worded, in one channel in words of the site's own.
EVERYTHING = """
[people]
"lperrin" = "leo"
"cmorel" = "camille"
[mute]
bots = false
child_pipelines = false
comment_edits = false
empty_updates = false
intermediate = false
jobs = false
merge_pushes = false
reactions = false
[[routes]]
confidential = true
channels = ["home"]
[[routes]]
channels = ["short"]
detail = "short"
language = "en"
final = false
[wording.en]
""" + "\n".join(
    f"{event} = '{{{{ user }}}} {{{{ project | bold }}}} {{{{ payload.ref }}}} {{{{ said }}}}'"
    for event in KINDS
)


def without_one_key(payload: Any, whole: Any = None) -> Iterator[bytes]:
    """The body without each of the payload's keys in turn; of the elements of a list, the first stands for all."""
    whole = payload if whole is None else whole
    if isinstance(payload, list):
        yield from without_one_key(payload[0], whole) if payload else ()
    elif isinstance(payload, dict):
        for key, value in list(payload.items()):
            del payload[key]
            yield json.dumps(whole).encode()
            payload[key] = value
            yield from without_one_key(value, whole)


@pytest.mark.parametrize("each", [pytest.param(1, marks=pytest.mark.exhaustive), 12])
def test_no_key_is_needed(gitlab_with: Callable[[str], Relay], sink: Sink, each: int) -> None:
    sink.channels.add("short")
    relay = gitlab_with(EVERYTHING)
    relay.start()
    sink.behave = lambda payload: Reply(503)
    connection = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=20)
    outcomes: Counter[str] = Counter()
    for sample in sorted(PAYLOADS.glob("[a-z]*.json")):
        payload = json.loads(sample.read_bytes())
        for less in [sample.read_bytes(), *islice(without_one_key(payload), None, None, each)]:
            headers = {"X-Gitlab-Token": TOKEN, "webhook-id": f"{sum(outcomes.values())}"}
            connection.request("POST", "/webhook/gitlab", less, headers)
            answer = connection.getresponse()
            outcomes[answer.read().decode()] += 1
            assert answer.status == 200, less
    connection.close()
    sink.behave = lambda payload: OK
    assert set(outcomes) == {"accepted\n"}

    def announced() -> Counter[str]:
        return Counter(cast(dict[str, int], health(relay)[1]["events"]))

    wait_for(lambda: announced().total() == outcomes.total(), seconds=60)
    wait_for(lambda: undelivered(relay) == 0, seconds=60)
    assert announced()["accepted"] > 5000 / each
    assert announced()["unsupported"] > 100 / each  # those without their kind among them
    assert sorted(sink.keys) == sorted(stored(relay))
    assert health(relay)[1]["parked"] == 0
    assert not re.search("fails|refused|Exception", relay.text)
    # What is not known is left out: see tests/unit/test_relays_unknown.py.
    shown = [json.dumps(post.payload, ensure_ascii=False) for post in sink.posts]
    assert [text for text in shown if re.search(r"(`|\*\*)\?\1|\b(?:inconnue?|unknown)\b", text)] == []


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("name", "odd"),
    [
        ("pipeline_failed", {"ref": "main\ud800"}),
        ("pipeline_failed", {"id": 2**70}),
        ("pipeline_failed", {"id": -(2**70), "duration": 2**70}),
        ("issue_open", {"url": "https://git.taaf.internal/\ud800"}),
        ("issue_open", {"title": "\ud800", "iid": 2**70}),
    ],
)
def test_what_no_store_can_hold_is_reported_without_it(
    gitlab: Relay, sink: Sink, name: str, odd: dict[str, Any]
) -> None:
    gitlab.start()
    assert send(gitlab, changed(name, **odd)).text == "accepted\n"
    wait_for(lambda: sink.posts)
