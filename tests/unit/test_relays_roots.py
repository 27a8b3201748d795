"""The roots of conversations: what they have to show, when they are edited, by whom, and for how long they are kept."""

from dataclasses import replace

import pytest

from relays.delivery.lease import LEASE_SECONDS, Lease, LeaseOutcome, Settlement
from relays.delivery.outbox import Notification, Outbox
from relays.delivery.roots import Edit, Roots
from relays.mattermost.markup import Markup
from relays.mattermost.message import Message
from relays.storage.store import Store
from tests.postgresql import on_both_spools

pytestmark = on_both_spools

DAY = 24 * 3600.0


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Site:
    """An outbox and roots of one host, and the same as another one has them."""

    def __init__(self, store: Store) -> None:
        self.clock = Clock()
        self.outbox = Outbox(store, "host", clock=self.clock, by_conversation=True)
        self.roots = Roots(store, "host", clock=self.clock)
        self.elsewhere = Roots(store, "other host", clock=self.clock)

    def want(self, key: str, state: str, name: str = "x!1") -> None:
        """An event has the root of the conversation show this from now on."""
        shown = Message("bot", ":robot:", summary=Markup(state), text=Markup(state))
        news = Notification(key, "a", None, name, shown)
        self.outbox.put(lambda db: [news]).result()

    def lease(self) -> Lease:
        """What is next in the line."""
        (lease,) = self.outbox.claim("a", 5.0).result()
        assert lease.conversation is not None
        return lease

    def post(self, key: str, state: str, name: str = "x!1") -> None:
        """The root is posted with this."""
        self.want(key, state, name)
        lease = self.lease()
        assert lease.conversation is not None
        noted = self.roots.note(lease.conversation, 5.0)
        assert noted is not None
        self.roots.posted(noted, "root", noted.wanted)
        self.outbox.settle([Settlement(lease, LeaseOutcome.DELIVERED)]).result()

    def edit(self) -> Edit:
        """What must be there to be edited."""
        (edit,) = self.roots.claim("a", 6)
        return edit


@pytest.fixture
def site(store: Store) -> Site:
    return Site(store)


def test_a_root_is_edited_once_for_all_that_has_changed(site: Site) -> None:
    site.post("1", "open")
    assert (site.roots.claim("a", 6), site.roots.delay_of("a"), site.roots.due()) == ([], None, 0)
    for key, state in (("2", "green"), ("3", "approved"), ("4", "merged")):
        site.want(key, state)
    edit = site.edit()
    assert (edit.conversation.message["text"], edit.conversation.root_key) == ("merged", "1")
    site.roots.edited(edit)
    assert (site.roots.claim("a", 6), site.roots.due()) == ([], 0)


def test_what_is_wanted_while_an_edit_is_under_way_is_edited_next(site: Site) -> None:
    site.post("1", "open")
    site.want("2", "green")
    edit = site.edit()
    site.want("3", "open")
    # The one before may be what the root shows by now.
    site.roots.edited(edit)
    assert site.edit().conversation.message["text"] == "open"


def test_after_an_edit_that_may_have_been_made_nobody_knows_what_is_shown(site: Site) -> None:
    site.post("1", "open")
    site.want("2", "green")
    site.roots.not_edited(site.edit(), 30, uncertain=True)
    site.want("3", "open")
    assert (site.roots.claim("a", 6), site.roots.delay_of("a")) == ([], 30)
    site.clock.now += 30
    edit = site.edit()
    assert (edit.conversation.message["text"], edit.conversation.shown_text, edit.attempts) == (
        "open",
        None,
        2,
    )


def test_only_one_relay_edits_a_root(site: Site) -> None:
    site.post("1", "open")
    site.want("2", "green")
    late = site.edit()
    assert site.elsewhere.claim("a", 6) == []
    site.clock.now += LEASE_SECONDS - 1
    site.roots.renew([late.claim_id]).result()
    site.clock.now += LEASE_SECONDS - 1
    assert site.elsewhere.claim("a", 6) == []
    assert site.elsewhere.delay_of("a") == 1
    site.clock.now += 1
    (current,) = site.elsewhere.claim("a", 6)
    site.roots.edited(late)
    assert site.roots.due() == 1
    site.elsewhere.edited(current)
    assert site.roots.due() == 0


def test_a_restart_frees_what_its_predecessor_held(site: Site) -> None:
    site.post("1", "open")
    site.want("2", "green")
    site.edit()
    site.elsewhere.recover()
    assert site.elsewhere.claim("a", 6) == []
    site.roots.recover()
    assert len(site.elsewhere.claim("a", 6)) == 1


def test_a_root_that_waits_is_overdue_after_a_while(site: Site) -> None:
    site.post("1", "open")
    site.want("2", "green")
    site.clock.now += 5
    site.want("3", "merged")
    assert not site.roots.claim("a", 6, overdue=10)
    site.clock.now += 5
    assert site.roots.claim("a", 6, overdue=10)


def test_an_attempt_is_noted_once_and_forgotten_with_its_root(site: Site) -> None:
    site.want("1", "open")
    conversation = site.lease().conversation
    assert conversation is not None
    first = site.roots.note(conversation, 5.0)
    site.want("2", "green")
    again = site.roots.note(conversation, 9.0)
    assert first is not None
    assert again is not None
    assert (again.pending_key, again.pending_at, again.wanted_key) == ("1", 5.0, "2")
    # Found, and nobody knows what it shows.
    found = site.roots.posted(again, "root", "")
    assert found is not None
    assert site.roots.posted(replace(again), "second", "") == found
    assert site.edit().conversation.post_id == "root"
    gone = site.roots.forget_root(found)
    assert gone is not None
    assert (gone.post_id, gone.shown, gone.pending_key) == (None, None, None)
    # Another relay forgets another root, not the one that has come since.
    site.roots.note(gone, 20.0)
    site.roots.posted(gone, "third", gone.wanted)
    kept = site.roots.forget_root(found)
    assert kept is not None
    assert kept.post_id == "third"


def test_what_has_been_silent_for_long_begins_anew(site: Site) -> None:
    site.post("1", "open")
    site.clock.now += 179 * DAY
    assert site.roots.prune().result() == 0
    site.want("2", "green")
    site.clock.now += 2 * DAY
    assert site.roots.prune().result() == 0
    site.clock.now += 179 * DAY
    assert site.roots.prune().result() == 1
    assert site.roots.due() == 0


def test_several_roots_are_claimed_at_the_same_time_the_longest_due_first(site: Site) -> None:
    for name in ("x!1", "y!2", "z!3"):
        site.post(f"{name} 1", "open", name)
    for name in ("y!2", "x!1", "z!3"):
        site.clock.now += 1
        site.want(f"{name} 2", "green", name)
    edits = site.roots.claim("a", 2)
    assert [edit.conversation.name for edit in edits] == ["y!2", "x!1"]
    assert len({edit.claim_id for edit in edits}) == 2
    (other,) = site.elsewhere.claim("a", 2)
    assert other.conversation.name == "z!3"
    # Each ends by itself.
    site.roots.edited(edits[0])
    site.roots.not_edited(edits[1], 30, uncertain=False)
    site.elsewhere.edited(other)
    assert (site.roots.claim("a", 2), site.roots.due(), site.roots.delay_of("a")) == ([], 1, 30)


def test_a_root_whose_edit_has_failed_is_claimed_by_itself(site: Site) -> None:
    names = ("x!1", "y!2", "z!3", "w!4")
    for name in names:
        site.post(f"{name} 1", "open", name)
    for name in names:
        site.want(f"{name} 2", "green", name)
        site.clock.now += 1
    first, second = site.roots.claim("a", 2)
    site.roots.not_edited(first, 5, uncertain=True)
    site.roots.not_edited(second, 6, uncertain=True)
    site.clock.now += 10
    # Those that were not tried yet have been due for longer.
    for expected in (["z!3", "w!4"], ["x!1"], ["y!2"], []):
        edits = site.roots.claim("a", 8)
        assert [edit.conversation.name for edit in edits] == expected
        for edit in edits:
            site.roots.edited(edit)
