"""What the figures call a channel, whatever becomes of what goes there: nothing in them says who is written to."""

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from relays.mattermost.client import Meaning, PostResult
from relays.storage.store import Store
from tests.unit.dispatcher_world import Site
from tests.waiting import wait_until

PEOPLE = ("@alice", "@bob.b")


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    made = Site(store)
    yield made
    made.dispatcher.stop()


def figures(site: Site) -> dict[str, dict[str, float]]:
    """The figures of channels, by their names and those of the channels."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(site.metrics.exposition().decode()):
        for sample in family.samples:
            if "channel" in sample.labels and not sample.name.endswith("_created"):
                found.setdefault(sample.name, {})[sample.labels["channel"]] = sample.value
    return found


@pytest.mark.parametrize("meaning", Meaning)
def test_persons_are_of_one_channel(site: Site, meaning: Meaning) -> None:
    site.answers = [PostResult(meaning, "HTTP 403", retry_after=3000.0)] * 3
    site.dispatcher.start()
    for channel in (*PEOPLE, "dev"):
        site.put("1", channel)
    wait_until("all tried", lambda: not site.answers)
    counted = {
        Meaning.POSTED: "delivered_total",
        Meaning.REFUSED: "parked_total",
        Meaning.MISCONFIGURED: "held",
    }
    if meaning in counted:
        name = f"passerelle_{counted[meaning]}".replace("held", "channel_held")
        expected = {"@": 1.0 if meaning is Meaning.MISCONFIGURED else 2.0, "dev": 1.0}
        wait_until("counted", lambda: figures(site).get(name) == expected)
    held = {"@": "HTTP 403", "dev": "HTTP 403"} if meaning is Meaning.MISCONFIGURED else {}
    assert site.dispatcher.held() == held
    assert not [name for name in PEOPLE if name[1:] in site.metrics.exposition().decode()]


def test_edits_are_too(site: Site) -> None:
    site.want_edit("@alice")
    site.dispatcher.start()
    wait_until("edited", lambda: figures(site).get("passerelle_edited_total") == {"@": 1.0})
    assert "alice" not in site.metrics.exposition().decode()
