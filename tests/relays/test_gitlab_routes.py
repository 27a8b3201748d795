"""The real relay with routes, mutes, people and wordings: what arrives where, and in which words."""

import json
import os
from collections.abc import Callable

import pytest

from tests.postgresql import on_both_spools
from tests.relays.events import body, case, changed, issue, send
from tests.relays.process import Relay, health, stored, undelivered, wait_for
from tests.relays.sink import Sink
from tests.relays.test_metrics import figures

Make = Callable[[str], Relay]

ROUTES = """
channel = "dev"
language = "en"
[people]
"lperrin" = "leo"
[[routes]]
events = ["pipeline"]
actions = ["broken", "fixed"]
channels = ["ops"]
detail = "short"
language = "fr"
final = false
[[routes]]
events = ["wiki_page"]
channels = []
[[routes]]
confidential = true
channels = ["secret"]
"""


def test_each_event_arrives_in_the_channels_of_its_routes(gitlab_with: Make, sink: Sink) -> None:
    sink.channels |= {"ops", "secret"}
    relay = gitlab_with(ROUTES)
    relay.start()
    for name in (
        "issue_open.json",
        "wiki_page_create.json",
        "issue_confidential_open.json",
        "pipeline_failed_with_ref_status_name.json",  # it says itself that it broke
    ):
        assert send(relay, body(name)).text == "accepted\n"
    wait_for(lambda: len(sink.posts) == 4)
    assert health(relay)[1]["events"] == {"accepted": 3, "filtered": 1}
    assert sorted((post.channel, post.shown[:12]) for post in sink.posts) == [
        ("home", "Issue #14: L"),
        ("home", "Pipeline #50"),
        ("ops", "❌ Le pipelin"[:12]),
        ("secret", "Issue #15: F"),
    ]


def test_one_event_goes_to_several_channels_in_the_words_of_each(gitlab_with: Make, sink: Sink) -> None:
    sink.channels.add("ops")
    relay = gitlab_with(ROUTES)
    relay.start()
    # The first pipeline of a branch is no news for the route; the second one ends otherwise, which is.
    for number, status in ((1, "success"), (2, "failed")):
        event = changed("pipeline_failed", id=number, status=status, detailed_status=status)
        assert send(relay, event).text == "accepted\n"
    wait_for(lambda: len(sink.posts) == 3)
    (short,) = [post for post in sink.posts if post.channel == "ops"]
    assert short.payload["text"].startswith("❌ Le pipeline ne réussit plus — [Pipeline #2](https://")
    assert "attachments" not in short.payload
    boxes = [post.payload["attachments"][0] for post in sink.posts if post.channel == "home"]
    assert [box["text"] for box in boxes] == ["✅ The pipeline passed", "❌ The pipeline no longer passes"]
    # A delivery that comes again is new to none of its channels.
    assert send(relay, event).text == "accepted\n"
    wait_for(lambda: "duplicate key=" in relay.text)
    assert len(stored(relay)) == 3


def test_an_older_pipeline_changes_nothing(gitlab_with: Make, sink: Sink) -> None:
    relay = gitlab_with(ROUTES)
    relay.start()
    for number, status in ((2, "failed"), (1, "success"), (3, "failed")):
        event = changed("pipeline_failed", id=number, status=status, detailed_status=status)
        assert send(relay, event).text == "accepted\n"
    wait_for(lambda: len(sink.posts) == 3)
    texts = [post.payload["attachments"][0]["text"] for post in sink.posts]
    assert texts == ["❌ The pipeline failed", "✅ The pipeline passed", "❌ The pipeline still fails"]


@on_both_spools
def test_a_pipeline_that_is_retried_is_heard_of_by_who_waits_for_it(gitlab_with: Make, sink: Sink) -> None:
    """Also over a kill: what ended before is on the disk."""
    sink.channels.add("ops")
    relay = gitlab_with(ROUTES)
    relay.start()
    for number in (1, 2, 3, 4):
        assert send(relay, case(f"01-retried-pipeline.{number}")).text == "accepted\n"
        if number == 2:
            wait_for(lambda: len(sink.posts) == 3 and undelivered(relay) == 0)
            relay.kill()
            relay.start()
    wait_for(lambda: len(sink.posts) == 7)
    boxes = [post.payload["attachments"][0]["text"] for post in sink.posts if post.channel == "home"]
    broken, fixed = "❌ The pipeline no longer passes", "✅ The pipeline passes again"
    assert boxes == ["✅ The pipeline passed", broken, fixed, broken]
    heard = [post.payload["text"] for post in sink.posts if post.channel == "ops"]
    verbs = ["ne réussit plus", "réussit de nouveau", "ne réussit plus"]
    assert all(verb in text for verb, text in zip(verbs, heard, strict=True))


@on_both_spools
def test_what_the_header_calls_confidential_goes_where_that_goes(gitlab_with: Make, sink: Sink) -> None:
    """Whatever its body says, and also when it is announced after a kill."""
    sink.channels |= {"ops", "secret"}
    relay = gitlab_with(ROUTES)
    relay.start()
    sent = {
        "note_issue.json": "Confidential Note Hook",
        "issue_open.json": "Confidential Issue Hook",
        "note_unknown_noteable.json": "Note Hook",
        "issue_close.json": "Issue Hook",
    }
    for name, header in sent.items():
        assert send(relay, body(name), {"X-Gitlab-Event": header}).text == "accepted\n"
    relay.kill()
    relay.start()
    wait_for(lambda: len({post.key for post in sink.posts}) == 4 and undelivered(relay) == 0)
    assert {
        post.channel for post in sink.posts if "Issue #14" in post.shown and "closed" not in post.shown
    } == {"secret"}
    assert {post.channel for post in sink.posts if "closed" in post.shown or "wiki" in post.shown} == {"home"}


def test_a_channel_that_is_gone_holds_up_no_other(gitlab_with: Make, sink: Sink) -> None:
    relay = gitlab_with(ROUTES)
    relay.start()
    send(relay, body("issue_confidential_open.json"))
    wait_for(lambda: "misconfigured" in relay.text)
    send(relay, issue(1))
    wait_for(lambda: sink.posts)
    assert sink.posts[0].channel == "home"
    sink.channels.add("secret")
    wait_for(lambda: len(sink.posts) == 2)


def test_people_are_mentioned_where_they_are_known(gitlab_with: Make, sink: Sink) -> None:
    relay = gitlab_with(ROUTES)
    relay.start()
    send(relay, body("merge_request_open.json"))
    wait_for(lambda: sink.posts)
    assert sink.posts[0].payload["text"] == "👀 Review requested from @leo"
    assert sink.posts[0].payload["attachments"]


def test_a_template_that_fails_loses_nothing_and_says_so(gitlab_with: Make, sink: Sink) -> None:
    relay = gitlab_with(
        """
[wording.fr]
"issue.open" = "🆕 {{ user | bold }} : {{ payload.object_attributes.title }}"
"issue" = "{{ 1 / payload.object_attributes.nothing }}"
"""
    )
    relay.start()
    send(relay, changed("issue_open", title="@all `x` <!channel>"))
    send(relay, body("issue_close.json"))
    wait_for(lambda: len(sink.posts) == 2)
    opened, closed = (post.payload["attachments"][0]["text"] for post in sink.posts)
    assert opened == "🆕 **Léo Perrin** : \u200b@\u200ball \\`x\\` <\u200b!channel>"
    assert closed == "**Léo Perrin** a fermé une issue"
    assert "template issue fails" in relay.text


def test_what_is_muted_can_be_announced(gitlab_with: Make, sink: Sink) -> None:
    relay = gitlab_with("[mute]\nreactions = false\n")
    relay.start()
    assert send(relay, body("emoji_award_note.json")).text == "accepted\n"
    assert send(relay, body("build_failed.json")).text == "accepted\n"
    wait_for(lambda: health(relay)[1]["events"] == {"accepted": 1, "filtered": 1})
    wait_for(lambda: sink.posts)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('[[routes]]\nchannels = ["ops"]\nevents = ["psh"]', "routes: route 1 can never match: events"),
        ('[[routes]]\nchannels = "ops"', "[[routes]] 1 channels = 'ops' is not a list of texts"),
        ('[[routes]]\nchannels = ["ops"]\nbranch = "x"', "[[routes]] 1 branch is unknown"),
        ('[routes]\nchannels = ["ops"]', "write [[routes]]"),
        ('[mute]\nbots = "no"', "[mute] bots = 'no' is not true or false"),
        ('[people]\nleo = "all"', "[people] leo = 'all': is not the name of one user of Mattermost"),
        (
            '[wording.fr]\npush = "{{"',
            "wording: the fr template push cannot be used: it is not a Jinja2",
        ),
        ('detail = "long"', "detail = 'long' is not one of full, short"),
    ],
)
def test_settings_that_cannot_be_used_are_named(gitlab_with: Make, settings: str, words: str) -> None:
    relay = gitlab_with(settings)
    relay.start(wait=False)
    assert relay.wait() == os.EX_CONFIG
    assert words in relay.text
    assert len(relay.text.splitlines()) == 1


def test_events_of_other_projects_are_counted_and_not_announced(
    gitlab_with: Callable[[str], Relay], sink: Sink
) -> None:
    gitlab = gitlab_with('projects = ["Root/Projet-Test-TAAF"]\n')
    gitlab.start()
    other = json.loads(issue(1))
    other["project"]["path_with_namespace"] = "ops/\nother"
    send(gitlab, json.dumps(other).encode())
    own = json.loads(issue(2))
    own["project"]["path_with_namespace"] = "root/projet-test-taaf"
    send(gitlab, json.dumps(own).encode())
    wait_for(lambda: len(sink.posts) == 1)
    assert "Issue 2" in sink.posts[0].shown
    assert health(gitlab)[1]["events"] == {"foreign": 1, "accepted": 1}
    assert figures(gitlab)["events_total", "issue", "foreign"] == 1
    assert r"reason=foreign: 'ops/\nother' is not in gitlab.projects" in gitlab.text
