"""What each person wants to hear of in person, over all that there is to hear."""

from collections.abc import Callable

import pytest

from relays.sources.gitlab.wishes import THINGS, Thing, Wishes, wants
from tests.unit.conversation_events import LEO, by, person
from tests.unit.conversations_world import Make, Somebody
from tests.unit.test_gitlab_direct_messages import ALONE, OPENED, USERS, changed
from tests.unit.test_gitlab_direct_messages import THINGS as EVENTS

# Of each kind an event that somebody hears of, by its name there.
EVENT_OF: dict[Thing, str] = {
    "assigned": "an assignment",
    "review": "a review",
    "mentioned": "a mention",
    "changes": "changes requested",
    "approved": "an approval",
    "merged": "a merge",
    "broken": "a broken pipeline",
    "fixed": "a fixed one",
}


def others(thing: Thing) -> list[Thing]:
    return [each for each in THINGS if each != thing]


# What a site says of a user and others, with a kind in mind, and whether that user hears of it.
SAID: dict[str, tuple[Callable[[str, Thing], Wishes], bool]] = {
    "nothing": (lambda user, thing: {}, True),
    "of somebody else": (lambda user, thing: {"zoe": (), f"{user}.x": ()}, True),
    "all of it": (lambda user, thing: {user: THINGS}, True),
    "this alone": (lambda user, thing: {user: [thing]}, True),
    "this in capitals": (lambda user, thing: {"zoe": (), user.upper(): [thing]}, True),
    "all but this": (lambda user, thing: {user: others(thing)}, False),
    "that they want nothing": (lambda user, thing: {user: ()}, False),
    "nothing, in capitals": (lambda user, thing: {user.upper(): ()}, False),
}


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("thing", THINGS)
def test_who_wants_what(thing: Thing, said: str) -> None:
    wishes, hears = SAID[said]
    assert wants(wishes("lperrin", thing), "lperrin", thing) == hears


def test_each_kind_has_an_event() -> None:
    assert {*EVENT_OF, "reminders"} == {*THINGS}


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("thing", EVENT_OF)
def test_whoever_does_not_want_to_hear_of_it_gets_no_direct_message(
    converse: Make, thing: Thing, said: str
) -> None:
    before, event, signs = EVENTS[EVENT_OF[thing]]
    (user,) = signs
    wishes, hears = SAID[said]
    relay = converse(directory=Somebody(USERS), wishes=wishes(user, thing))
    relay.live(*([payload] for payload in before))
    known, shown = len(relay.chat.notifications), relay.chat.posts()
    relay.live([event])
    direct = [each for each in relay.chat.notifications[known:] if each.channel.startswith("@")]
    assert [each.channel for each in direct] == [f"@{user}"] * hears
    # The channel hears of it all the same.
    assert [post.message for post in relay.chat.posts()] != [post.message for post in shown] or [
        post.replies for post in relay.chat.posts()
    ] != [post.replies for post in shown]


def test_whoever_wants_nothing_is_not_looked_for_in_mattermost(converse: Make) -> None:
    """So the doctor does not name them as somebody who misses something."""
    directory = Somebody(USERS)
    relay = converse(directory=directory, wishes={"eve": (), "arichard": ["review"]})
    relay.hear(ALONE, by(changed("assignees", ("eve", "")), *LEO))
    both = OPENED | {"assignees": [person("eve")], "reviewers": [person("adam")]}
    both["object_attributes"] = both["object_attributes"] | {"iid": 9}
    assert relay.hear(both).people() == []
    assert relay.identities.missing() == ["adam"]
    assert "eve" not in directory.asked
