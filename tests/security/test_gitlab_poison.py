"""Events that GitLab may send with the right token and that are made to end the relay when it looks into them."""

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
import requests

from tests.postgresql import also_on_postgresql
from tests.relays.events import issue, send
from tests.relays.process import TOKEN, Relay, health, undelivered, wait_for
from tests.relays.sink import Sink
from tests.relays.test_parked import numbers, parked
from tests.security.bounds import MOST_MEGABYTES, Bounds
from tests.security.senders import BESIDE_SECONDS, Good, nested
from tests.security.supervisor import Supervisor

GOOD = 12
SIZE = 24_000_000


def titled(text: str) -> bytes:
    """An issue with this title, made by somebody of this name, and so on in all places that are shown."""
    event = json.loads(issue(1))
    event["object_attributes"].update(
        title=text, description=text, state=text, url=f"https://x/{text}", type=text
    )
    event["user"].update(name=text, username=text)
    return json.dumps(event, ensure_ascii=False).encode()


def listed(kind: str, key: str, piece: dict[str, object], size: int) -> bytes:
    """An event that lists the same again and again, each under another name."""
    event = json.loads(issue(1))
    event["object_kind"] = kind
    event["object_attributes"].update(action="update", status="failed")
    ends = {"previous": "a-{}", "current": "b-{}"}
    count = size // 2 // (len(json.dumps(piece)) + 10)
    event["changes"] = {
        key: {
            end: [{name: form.format(number) for name in piece} for number in range(count)]
            for end, form in ends.items()
        }
    }
    event["labels"] = event["builds"] = event["changes"][key]["current"]
    return json.dumps(event).encode()


# What is sent, and what becomes of it.
POISON: dict[str, tuple[Callable[[], bytes], str]] = {
    "24 MB of empty lists": (lambda: nested(SIZE, "[]"), "failed"),
    "24 MB of lists in lists": (lambda: nested(SIZE, "[" * 500 + "]" * 500), "failed"),
    "24 MB of small objects": (lambda: nested(SIZE, '{"a":1}'), "failed"),
    "24 MB of small texts": (lambda: nested(SIZE, '"ab"'), "failed"),
    "24 MB of fractions": (lambda: nested(SIZE, "1.5"), "failed"),
    "24 MB of keys": (
        lambda: (
            b'{"object_kind": "issue",' + b",".join(b'"%x":0' % number for number in range(SIZE // 12)) + b"}"
        ),
        "failed",
    ),
    "24 MB of one key": (lambda: b"{" + b'"object_kind":"issue",' * (SIZE // 23) + b'"a":1}', "either"),
    "24 MB of depth": (lambda: b"[" * SIZE, "failed"),
    "depth that can just be read": (lambda: nested(4000, "[" * 900 + "]" * 900), "accepted"),
    "depth that can just not be read": (lambda: nested(4000, "[" * 1100 + "]" * 1100), "unreadable"),
    "a number of 5,000 digits": (
        lambda: issue(7).replace(b'"iid": 7', b'"iid": ' + b"7" * 5000),
        "unreadable",
    ),
    "a number of 4,300 digits": (lambda: issue(7).replace(b'"iid": 7', b'"iid": ' + b"7" * 4300), "accepted"),
    "numbers that are none": (
        lambda: issue(7).replace(b'"iid": 7', b'"iid": NaN, "x": -Infinity, "y": 1e999'),
        "accepted",
    ),
    "long texts everywhere": (lambda: titled("x" * (SIZE // 7)), "accepted"),
    "long texts of emoji": (lambda: titled("😀" * (SIZE // 28)), "either"),
    "long texts of backticks": (lambda: titled("`" * (SIZE // 7)), "accepted"),
    "long texts of brackets": (lambda: titled("[(<@:" * (SIZE // 35)), "accepted"),
    "long texts that show nothing": (lambda: titled("\u200b" * (SIZE // 21)), "either"),
    "long texts of spaces": (lambda: titled(" " * (SIZE // 7)), "accepted"),
    "labels by the ten thousand": (lambda: listed("issue", "labels", {"title": ""}, 2_000_000), "accepted"),
    "people by the ten thousand": (
        lambda: listed("merge_request", "reviewers", {"name": "", "username": ""}, 2_000_000),
        "accepted",
    ),
    "failed jobs by the ten thousand": (
        lambda: listed("pipeline", "labels", {"name": "", "status": ""}, 2_000_000),
        "accepted",
    ),
    "a merge message that nearly matches": (
        lambda: json.dumps(
            {
                "object_kind": "push",
                "ref": "refs/heads/main",
                "before": "1",
                "after": "2",
                "commits": [
                    {
                        "id": "2",
                        "title": "into 'main'",
                        "message": "See merge request !1" + "!1" * 5_000_000 + "x",
                    }
                ],
            }
        ).encode(),
        "accepted",
    ),
    "a merge message of line ends": (
        lambda: json.dumps(
            {
                "object_kind": "push",
                "ref": "refs/heads/main",
                "before": "1",
                "after": "2",
                "commits": [
                    {
                        "id": "2",
                        "title": "into 'main'",
                        "message": "See merge request !1\n" * 500_000 + "\n" * 5_000_000,
                    }
                ],
            }
        ).encode(),
        "either",
    ),
}
FAST = ("24 MB of empty lists", "a number of 5,000 digits", "depth that can just be read", "24 MB of depth")


@pytest.mark.sampled(4)
@also_on_postgresql
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in FAST else pytest.mark.exhaustive) for name in POISON]
)
def test_what_is_made_to_end_the_relay(gitlab: Relay, sink: Sink, bounds: Bounds, name: str) -> None:
    make, outcome = POISON[name]
    gitlab.start()
    good = Good()
    with Supervisor(gitlab) as supervisor:
        assert send(gitlab, make(), {"Idempotency-Key": "poison"}).status_code == 200
        for number in range(GOOD):
            good.send(gitlab, {"X-Gitlab-Token": TOKEN, "Idempotency-Key": f"good-{number}"}, issue(number))
        wait_for(lambda: undelivered(gitlab) == 0, 120)
    arrived = [key for key in sink.keys if key.startswith("gitlab:good-")]
    bounds.exactly(name, "good events announced", GOOD, len(arrived))
    bounds.exactly(name, "ends of the relay", 0, supervisor.ends)
    bounds.at_most(name, "seconds to the slowest good answer", BESIDE_SECONDS, good.slowest)
    bounds.at_most(name, "peak memory in MB", MOST_MEGABYTES, gitlab.peak_megabytes)
    if outcome != "either":
        counts = health(gitlab)[1]["events"]
        assert isinstance(counts, dict)
        bounds.exactly(name, "outcome", outcome, next(iter(counts.keys() - {"accepted"}), "accepted"))
    assert "Traceback" not in gitlab.text


# A site's own template that takes what memory an event asks for.
WORDING = "[wording.fr]\n\"issue.open\" = '''{{ \"x\" * payload.object_attributes.iid }}'''\n"


@pytest.fixture
def endable(gitlab_with: Callable[[str], Relay]) -> Relay:
    """A relay that an event can end, started."""
    relay = gitlab_with(WORDING)
    relay.start()
    return relay


@also_on_postgresql
def test_what_ends_the_relay_becomes_a_dead_letter(endable: Relay, sink: Sink, bounds: Bounds) -> None:
    attack = "an event that ends the relay, by a site's own template"
    poison = issue(1).replace(b'"iid": 1', b'"iid": 4000000000')
    with Supervisor(endable) as supervisor:
        with suppress(requests.ConnectionError):  # it may end the relay before the answer has left
            assert send(endable, poison, {"Idempotency-Key": "poison"}).status_code == 200
        accepted: list[str] = []
        while len(accepted) < GOOD:
            key = f"good-{len(accepted)}"
            try:
                if send(endable, issue(len(accepted)), {"Idempotency-Key": key}).status_code == 200:
                    accepted.append(f"gitlab:{key}")
            except OSError:
                pass  # the relay is down at this moment
        wait_for(lambda: set(accepted) <= set(sink.keys), 60)
        wait_for(lambda: undelivered(endable) == 0)
    bounds.exactly(attack, "good events announced", GOOD, len(set(accepted) & set(sink.keys)))
    # Looked into with others once, or alone from the start, and then three times alone.
    bounds.exactly(attack, "ends of the relay are 3 or 4", True, supervisor.ends in (3, 4))
    bounds.exactly(attack, "dead letters in /health", 1, health(endable)[1]["dead_letters"])
    announced = [post.shown for post in sink.posts if "dead:gitlab:poison" in str(post.payload["props"])]
    bounds.exactly(
        attack, "the channel hears of it", True, len(announced) == 1 and "parked.sh" in announced[0]
    )
    bounds.exactly(attack, "numbers in the list", ["e1"], numbers(endable))
    assert "it has ended the relay 3 times" in parked(endable, "list").stdout
    assert parked(endable, "show", "e1").stdout.encode().strip() == poison.strip()
    wait_for(lambda: any("mis de côté" in line for line in endable.notified), 20)
    # The same delivery once more ends nothing.
    assert send(endable, poison, {"Idempotency-Key": "poison"}).status_code == 200
    wait_for(lambda: undelivered(endable) == 0)
    assert not endable.ended
    assert parked(endable, "drop", "e1").returncode == 0
    assert numbers(endable) == []
    assert health(endable)[1]["dead_letters"] == 0


@also_on_postgresql
def test_a_dead_letter_can_be_announced_once_the_reason_is_gone(
    endable: Relay, sink: Sink, bounds: Bounds
) -> None:
    poison = issue(1).replace(b'"iid": 1', b'"iid": 4000000000')
    with Supervisor(endable):
        with suppress(requests.ConnectionError):  # it may end the relay before the answer has left
            assert send(endable, poison, {"Idempotency-Key": "poison"}).status_code == 200
        wait_for(lambda: not endable.ended and "dead:gitlab:poison" in sink.keys, 60)
    endable.configure(endable.settings.replace(WORDING, ""))
    endable.terminate()
    endable.start()
    assert parked(endable, "retry", "e1").returncode == 0
    wait_for(lambda: "gitlab:poison" in sink.keys)
    assert numbers(endable) == []
    bounds.exactly(
        "the same, once the template is mended", "announced after a retry", True, "gitlab:poison" in sink.keys
    )
