"""What a relay says while a webhook holds a channel up: degraded, which channel and why, as long as nothing is lost."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.relays.events import issue, send
from tests.relays.process import Relay, health, undelivered, wait_for
from tests.relays.sink import OK, Reply, Sink
from tests.relays.test_metrics import figures

CHANNEL = "dev-notifications"
ROUTES = '[[routes]]\nevents = ["issue"]\nchannels = ["home2", "dev-notifications"]\n'

STRANGER = "see that mattermost.url leads to Mattermost itself"
REMEDIES = {
    "HTTP 404": "run the deploy, or restore it in Mattermost if a route names it",
    "HTTP 403": "the webhook may not post there; run the deploy",
    "HTTP 501": "incoming webhooks are switched off; run the deploy",
    "HTTP 301": STRANGER,
    "HTTP 200": STRANGER,
}
FAULTS = [
    pytest.param(Reply(404, b"{}"), "HTTP 404", "Mattermost ne trouve pas ce canal (HTTP 404)", id="404"),
    pytest.param(Reply(403, b"{}"), "HTTP 403", "n'a pas le droit d'y écrire (HTTP 403)", id="403"),
    pytest.param(Reply(501, b"{}"), "HTTP 501", "les webhooks entrants sont désactivés (HTTP 501)", id="501"),
    pytest.param(Reply(301, b""), "HTTP 301", "n'est pas celle de Mattermost (HTTP 301)", id="301"),
    pytest.param(
        Reply(200, b"<html>", post=False),
        "HTTP 200, but not from Mattermost",
        "n'est pas celle de Mattermost (HTTP 200)",
        id="200",
    ),
]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("fault", "reason", "reported"), FAULTS)
def test_a_channel_that_is_held_up_is_named_until_it_is_not(
    gitlab: Relay, sink: Sink, fault: Reply, reason: str, reported: str
) -> None:
    gitlab.start()
    assert health(gitlab)[1]["status"] == "ok"
    assert health(gitlab)[1]["held"] == {}
    sink.behave = lambda payload: fault
    send(gitlab, issue(1))
    wait_for(lambda: health(gitlab)[1]["status"] == "degraded")
    status, found = health(gitlab)
    assert status == 200
    assert found["held"] == {CHANNEL: reason}
    assert figures(gitlab)["channel_held", CHANNEL, reason] == 1
    wait_for(lambda: any(reported in line for line in gitlab.notified if line.startswith("STATUS=")))
    assert f"reason={reason}: " in gitlab.text
    assert REMEDIES[reason[:8]] in gitlab.text
    assert any(f"dégradé : canal {CHANNEL} retenu, " in line for line in gitlab.notified)
    # The next process finds out by itself.
    gitlab.terminate()
    gitlab.start()
    wait_for(lambda: health(gitlab)[1]["held"] == {CHANNEL: reason})

    sink.behave = lambda payload: OK
    gitlab.terminate()
    gitlab.start()
    wait_for(lambda: undelivered(gitlab) == 0)
    assert (health(gitlab)[1]["status"], health(gitlab)[1]["held"]) == ("ok", {})
    assert not [name for name in figures(gitlab) if name[0] == "channel_held"]
    assert len(sink.posts) == 1


def test_a_webhook_that_mattermost_forgot_is_named_in_english(
    gitlab_with: Callable[[str], Relay], sink: Sink
) -> None:
    gitlab = gitlab_with('language = "en"\n')
    gitlab.start()
    sink.hook_known = False
    send(gitlab, issue(1))
    reported = (
        f"degraded: channel {CHANNEL} held up, Mattermost does not know its webhook any more (HTTP 400)"
    )
    wait_for(lambda: any(reported in line for line in gitlab.notified))
    assert health(gitlab)[1]["held"] == {CHANNEL: "HTTP 400: Mattermost does not know the webhook"}


def test_only_the_channel_at_fault_is_named(gitlab_with: Callable[[str], Relay], sink: Sink) -> None:
    """A route leads to a channel that was archived; the others go on."""
    gitlab = gitlab_with(ROUTES)
    gitlab.start()
    send(gitlab, issue(1))
    wait_for(lambda: health(gitlab)[1]["held"] == {"home2": "HTTP 404"})
    assert [post.channel for post in sink.posts] == ["home"]
    sink.channels.add("home2")
    wait_for(lambda: health(gitlab)[1]["status"] == "ok")
    assert [post.channel for post in sink.posts] == ["home", "home2"]


def test_an_outage_is_not_held_up_by_a_webhook(gitlab: Relay, sink: Sink) -> None:
    """Mattermost comes back by itself; nobody has to do anything about the webhook."""
    gitlab.start()
    sink.behave = lambda payload: Reply(503)
    send(gitlab, issue(1))
    wait_for(lambda: sink.attempts >= 2)
    assert health(gitlab)[1]["status"] == "ok"
    assert health(gitlab)[1]["retrying"] == {CHANNEL: "HTTP 503"}
    reported = "Mattermost ne les prend pas (HTTP 503), nouveaux essais automatiques"
    wait_for(lambda: any(reported in line for line in gitlab.notified))
    sink.behave = lambda payload: OK
    wait_for(lambda: undelivered(gitlab) == 0, 40)
    wait_for(lambda: health(gitlab)[1]["retrying"] == {})


def test_a_storage_that_fails_is_said_until_something_could_be_written(gitlab: Relay, sink: Sink) -> None:
    """Reading, and transactions that write nothing, work on a full disk as well."""
    gitlab.start()
    send(gitlab, issue(1))
    wait_for(lambda: undelivered(gitlab) == 0)
    gitlab.limit_file_size(0)
    assert send(gitlab, issue(2)).status_code == 503
    wait_for(lambda: "STATUS=rien ne peut être enregistré (" in gitlab.notified[-1])
    for _ in range(10):  # ticks of the supervision, in each of which the storage is tried
        before = len(gitlab.notified)
        wait_for(lambda: len(gitlab.notified) > before)  # noqa: B023
        assert health(gitlab)[0] == 503
    assert "rien ne peut être enregistré" in gitlab.notified[-1]
    gitlab.limit_file_size(-1)
    wait_for(lambda: health(gitlab)[0] == 200)
    wait_for(lambda: "rien en attente" in gitlab.notified[-1])


def test_what_cannot_be_stored_is_worse(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    sink.behave = lambda payload: Reply(404, b"{}")
    send(gitlab, issue(1))
    wait_for(lambda: health(gitlab)[1]["status"] == "degraded")
    gitlab.limit_file_size(0)
    assert send(gitlab, issue(2)).status_code == 503
    wait_for(lambda: health(gitlab)[0] == 503)
    assert health(gitlab)[1]["status"] == "failing"
    gitlab.limit_file_size(-1)


def test_the_nextcloud_relay_says_it_in_its_status(nextcloud: Relay, sink: Sink, tree: Path) -> None:
    nextcloud.start()
    sink.behave = lambda payload: Reply(501, b"{}")
    (tree / "Contrats" / "nouveau.pdf").write_bytes(b"%PDF")
    reported = "dégradé : canal rh-alerts retenu, les webhooks entrants sont désactivés (HTTP 501)"
    wait_for(lambda: any(reported in line for line in nextcloud.notified))
