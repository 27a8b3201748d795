"""A review is announced as a whole: all of its comments and the approval, whoever else speaks meanwhile."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from relays.sources.gitlab import delayed as holding
from relays.sources.gitlab import review
from relays.sources.gitlab.dead_letters import DeadLetters
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.inbox import Inbox
from relays.sources.gitlab.merge_requests import MergeRequests
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.routing import Route
from relays.storage.engine import Database
from tests.postgresql import on_both_spools
from tests.unit.acts_world import Payload, World, approval, comment, merge_request, push, world
from tests.unit.test_gitlab_kinds_of_change import case
from tests.unit.test_relays_messages import dispatch, load
from tests.waiting import wait_until

Make = Callable[..., World]
HEADING = "👀 **Alex** a relu [Merge Request #8: Corrige le calcul du quota]"


@pytest.fixture
def make(tmp_path: Path, spool: str | None) -> Iterator[Make]:
    """Makes a relay with these routes and settings."""
    worlds: list[Any] = []

    def start(*routes: Route, **more: Any) -> World:
        worlds.append(world(tmp_path, spool, *routes, **more))
        return worlds[-1].__enter__()  # type: ignore[no-any-return]

    yield start
    for each in worlds:
        each.__exit__(None, None, None)


def texts(relay: World, channel: str = "dev") -> list[str]:
    return [json.loads(message).get("text", "") for message in relay.announced(channel)]


@on_both_spools
@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_the_review_that_was_met(make: Make, order: tuple[int, ...]) -> None:
    relay = make()
    relay.hear(*(case(f"07-review-of-several-comments.{number}") for number in order))
    (text,) = texts(relay)
    heading, *lines = text.split("\n")
    address = "https://git.example.org/ops/web/-/merge_requests/8"
    assert heading == (
        f"👀 **Alex** a relu [Merge Request #8: Quota]({address}) sur **web** (3 commentaires)"
    )
    blocks = [["", f"💬 `a.py:{number}`", f"Remark {number}"] for number in order]
    assert lines == list(itertools.chain(*blocks))


@pytest.mark.parametrize("place", range(4))
def test_the_approval_is_a_part_of_the_review(make: Make, place: int) -> None:
    events = [comment(number, f"Remarque {number}", line=number) for number in (1, 2, 3)]
    events.insert(place, approval())
    relay = make()
    relay.hear(*events)
    (text,) = texts(relay)
    assert text.startswith(
        "👍 **Alex** a relu et approuvé [Merge Request #8: Corrige le calcul du quota](https"
    )
    assert "(3 commentaire(s))" in text
    assert all(f"Remarque {number}" in text for number in (1, 2, 3))


def test_a_comment_and_an_approval_are_a_review(make: Make) -> None:
    relay = make()
    relay.hear(comment(1, "Très bien"), approval())
    (text,) = texts(relay)
    assert text.endswith("(1 commentaire(s))\n\n💬\nTrès bien")


@pytest.mark.parametrize("event", [comment(1, "Une remarque"), approval()])
def test_what_is_alone_is_announced_as_ever(make: Make, event: Payload) -> None:
    relay = make()
    relay.hear(event)
    (message,) = relay.announced()
    _, alone = dispatch(event)
    assert alone is not None
    assert json.loads(message) == json.loads(json.dumps(alone.payload()).replace("\\u200b", ""))


@pytest.mark.parametrize(
    "events",
    [
        [comment(1, "a"), comment(2, "b", user="lea"), comment(3, "c"), comment(4, "d", user="lea")],
        [comment(1, "a"), comment(2, "b", iid=9), comment(3, "c"), comment(4, "d", iid=9)],
    ],
)
def test_each_person_s_review_of_each_merge_request_is_one(make: Make, events: list[Payload]) -> None:
    relay = make()
    relay.hear(*events)
    first, second = texts(relay)
    assert first.endswith("\n\n💬\na\n\n💬\nc")
    assert second.endswith("\n\n💬\nb\n\n💬\nd")


@pytest.mark.parametrize(
    "name", ["note_issue", "note_commit", "note_snippet", "issue_open", "merge_request_open"]
)
def test_nothing_else_waits(make: Make, name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    relay = make()
    relay.hear(load(name))
    assert "held" not in caplog.text


def test_what_is_said_meanwhile_is_not_held_up(make: Make) -> None:
    relay = make()
    relay.hear(comment(1, "a"), push(branch="main"), comment(2, "b"))
    first, second = texts(relay)
    assert "a poussé" in first
    assert second.startswith(HEADING)


CHANGES = {"merge": "a fusionné", "close": "a fermé", "reopen": "a réouvert"}
REVIEWS: dict[str, list[Payload]] = {
    "comment": [comment(1, "a")],
    "comments": [comment(1, "a"), comment(2, "b")],
    "approval": [approval()],
    "comment and approval": [comment(1, "a"), approval()],
    "of two": [comment(1, "a"), comment(2, "b", user="lea"), approval(user="lea")],
}


@on_both_spools
@pytest.mark.parametrize("action", CHANGES)
@pytest.mark.parametrize("review", REVIEWS)
def test_a_review_is_announced_before_what_ends_it(make: Make, review: str, action: str) -> None:
    """ "Comment and close", or an approval that sets off the merge: GitLab sends both within a moment."""
    relay = make()
    state = {"close": "closed", "merge": "merged"}.get(action, "opened")
    relay.hear(*REVIEWS[review], merge_request(action, state=state))
    announced = relay.announced()
    assert [CHANGES[action] in each for each in announced] == [False] * (len(announced) - 1) + [True]
    assert len(announced) == (3 if review == "of two" else 2)


@pytest.mark.parametrize(
    "change", [merge_request("close", iid=9), merge_request("update"), push(branch="main")]
)
def test_nothing_else_ends_a_review(make: Make, change: Payload, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    relay = make()
    relay.hear(comment(1, "a"), change, comment(2, "b"))
    assert relay.announced()[-1].count("💬") == 2
    assert caplog.text.count("held key=") == 2


def test_what_comes_after_the_end_is_another_review(make: Make) -> None:
    relay = make()
    relay.hear(comment(1, "a"), merge_request("close", state="closed"), comment(2, "b"))
    first, change, last = relay.announced()
    assert ("a fermé" in change, "a fermé" in first + last) == (True, False)


@on_both_spools
@pytest.mark.parametrize("after", [comment(2, "b"), approval()])
def test_what_still_comes_of_a_review_does_not_hold_it_up_past_its_end(make: Make, after: Payload) -> None:
    """GitLab keeps no order, and the processor settles many deliveries in one transaction."""
    relay = make()
    relay.hear_at_once(comment(1, "a"), merge_request("merge", state="merged"), after)
    assert [CHANGES["merge"] in each for each in relay.announced()] == [False, True]


@on_both_spools
@pytest.mark.parametrize("action", CHANGES)
def test_what_ends_a_review_by_two_hooks_is_announced_once(make: Make, action: str) -> None:
    relay, end = make(), merge_request(action)
    relay.hear(comment(1, "a"), end, end)
    relay.hear_at_once(comment(2, "b", iid=9), merge_request(action, iid=9), merge_request(action, iid=9))
    assert [CHANGES[action] in each for each in relay.announced()] == [False, True, False, True]


def test_the_same_comment_by_two_hooks_is_in_the_review_once(make: Make) -> None:
    relay = make()
    relay.hear(comment(1, "a"), comment(1, "a"), comment(2, "b"), comment(2, "b"))
    (text,) = texts(relay)
    assert text.endswith("(2 commentaires)\n\n💬\na\n\n💬\nb")
    assert relay.counters == {"accepted": 2, "filtered": 2}


def test_a_site_can_have_each_comment_announced_at_once(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    relay = make(mute=Mute(reviews=False))
    relay.hear(comment(1, "a"), comment(2, "b"), approval())
    assert len(relay.announced()) == 3
    assert "held" not in caplog.text


def test_each_channel_gets_what_its_routes_take(make: Make) -> None:
    relay = make(
        Route(("notes",), events=("note",), language="en"),
        Route(("brief",), events=("merge_request",), detail="short", final=False),
    )
    relay.hear(comment(1, "a", line=1), comment(2, "b"), approval())
    (text,) = texts(relay, "notes")
    assert text.startswith("👀 **Alex** reviewed [Merge Request #8: ")
    assert "(2 comments)" in text
    (alone,) = relay.announced("dev")
    assert "a approuvé une merge request" in alone
    (brief,) = texts(relay, "brief")
    assert "a approuvé une merge request" in brief


def test_in_one_line_a_review_is_counted(make: Make) -> None:
    relay = make(Route(("dev",), detail="short"))
    relay.hear(comment(1, "a"), comment(2, "b"))
    (text,) = texts(relay)
    assert text.startswith(HEADING)
    assert text.endswith("(2 commentaires)")


def test_a_review_too_large_for_a_message_is_announced_in_several_whole(make: Make) -> None:
    words = [f"Remarque {number} {'très longue ' * 60}fin {number}." for number in range(45)]
    relay = make()
    relay.hear(*(comment(number, text, line=number) for number, text in enumerate(words)))
    announced = texts(relay)
    assert 1 < len(announced) < 6
    assert all(len(text) <= 16_383 for text in announced)
    assert [text for text in words if text.split(" fin")[0][:100] not in "\n".join(announced)] == []
    assert announced[0].startswith(HEADING)
    assert all(text.startswith("👀 **Alex** : suite de la relecture de [") for text in announced[1:])


def test_a_review_of_very_many_comments_is_announced_as_several(make: Make) -> None:
    relay = make()
    relay.hear(*(comment(number, f"n{number}n") for number in range(80)))
    announced = texts(relay)
    assert len(announced) == 2
    assert [number for number in range(80) if f"n{number}n" not in "\n".join(announced)] == []


def test_a_review_waits_for_its_parts_and_not_for_ever(make: Make) -> None:
    """Each is waited for anew, ten seconds at most; what comes later is announced by itself."""
    relay = make()
    stop = relay.start()
    for number in range(8):
        relay.put(comment(number, f"n{number}n"))
        relay.let_time_pass(holding.PART_SECONDS * 0.75)
    wait_until("the first ones are announced", relay.announced, 30, 0.01)
    stop()
    first, second = texts(relay)
    assert "(7 commentaires)" in first
    assert "n7n" in relay.announced()[1]
    assert second == ""


def test_a_comment_that_cannot_be_announced_takes_no_other_with_it(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = review._comment

    def fragile(event: Event, wording: Any) -> Any:
        raise KeyError("secret")

    monkeypatch.setattr(review, "_comment", fragile)
    relay = make()
    relay.hear(comment(1, "a"), comment(2, "b"), comment(3, "c"))
    monkeypatch.setattr(review, "_comment", whole)
    shown = "\n".join(relay.announced())
    assert all(f'"value":"{text}"' in shown for text in "abc")
    assert "secret" not in caplog.text


@on_both_spools
def test_a_comment_that_the_store_does_not_take_becomes_a_dead_letter_and_the_others_are_reported(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = MergeRequests.remember

    def fragile(self: MergeRequests, db: Database, event: Event) -> None:
        if event.payload.text("object_attributes", "note") == "b":
            raise KeyError("secret")
        whole(self, db, event)

    monkeypatch.setattr(MergeRequests, "remember", fragile)
    relay = make()
    relay.hear(comment(1, "a"), comment(2, "b"), comment(3, "c"))
    shown = "\n".join(relay.announced())
    assert [text for text in "abc" if f'"value":"{text}"' in shown] == ["a", "c"]
    assert relay.counters == {"accepted": 2, "failed": 1}
    assert DeadLetters(relay.store).count() == 1
    assert relay.held() == 0


def test_a_comment_under_suspicion_is_no_part_of_a_review(make: Make) -> None:
    """The process ended over it: it is looked into alone, whatever waits for it."""
    relay = make()
    stop = relay.start()
    for number in (1, 2, 3):
        relay.put(comment(number, f"n{number}n"), f"key-of-{number}")
    Inbox(relay.store).suspect(["key-of-1"]).result()
    stop()
    alone, others = relay.announced()
    assert "n1n" in alone
    assert "n2n" in others
    assert "n3n" in others
    assert relay.store.read("SELECT * FROM suspect") == []


@on_both_spools
def test_what_waits_is_announced_by_the_next_process(make: Make) -> None:
    relay = make()
    stop = relay.start()
    for number in (1, 2):
        relay.put(comment(number, f"n{number}n"))
    stop(wait=False)
    assert not relay.announced()
    relay.hear()
    (text,) = texts(relay)
    assert all(f"n{number}n" in text for number in (1, 2))
