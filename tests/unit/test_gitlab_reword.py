"""A site's own sentences: which one is taken, what it can say, and that what it is filled with stays text."""

import json
from typing import Any, cast

import pytest
from hypothesis import given, settings

from relays.sources.gitlab.event import read_event
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import Detail, Route
from relays.sources.gitlab.templates import EventTemplates
from tests.unit.test_relays_markup import TEXTS, assert_inert
from tests.unit.test_relays_messages import KEPT, escaped_length, load, overwritten


def announced(payload: dict[str, Any], detail: str = "full", **templates: str) -> dict[str, Any]:
    """The message about a payload in the words of these templates; `__` in a name stands for the dot."""
    rewording = EventTemplates({name.replace("__", "."): source for name, source in templates.items()})
    router = Router([Route(("dev",), detail=cast(Detail, detail))], Mute(), {}, {"fr": rewording})
    _, messages = router.dispatch(read_event(Payload(payload)))
    return messages["dev"].payload()


def test_the_most_specific_template_is_taken() -> None:
    templates = {"pipeline": "a", "pipeline__failed": "b", "pipeline__broken": "c", "push": "d"}
    said = [
        announced(load(name), **templates)["attachments"][0]["text"]
        for name in ("pipeline_success", "pipeline_failed", "pipeline_failed_with_ref_status_name")
    ]
    assert said == ["a", "b", "c"]


def test_it_says_the_sentence_and_the_rest_stays() -> None:
    payload = load("merge_request_open")
    (plain,), (own,) = (
        announced(payload)["attachments"],
        announced(payload, merge_request="« {{ said }} »")["attachments"],
    )
    assert own["text"] == f"« {plain['text']} »"
    assert own["fallback"].startswith("« Camille Morel a ouvert une merge request » — Merge Request #8")
    assert {key: own[key] for key in ("title", "fields", "color")} == {
        key: plain[key] for key in ("title", "fields", "color")
    }


def test_a_push_keeps_its_commits_and_a_short_message_its_template() -> None:
    payload = load("push_normal")
    first, *commits = announced(payload, push="{{ user }} pousse")["text"].split("\n")
    assert (first, commits) == ("Admin TAAF pousse", announced(payload)["text"].split("\n")[1:])
    assert announced(payload, "short", push="{{ user }} pousse")["text"] == "Admin TAAF pousse"
    short = announced(load("issue_open"), "short", issue="du neuf")["text"]
    assert short.startswith("du neuf — [Issue")


def test_what_is_missing_is_empty_and_filters_format() -> None:
    source = (
        "{{ payload.object_attributes.title | code }} {{ project | bold }} {{ payload.a.b.c }}"
        " {{ 'ici' | link(payload.object_attributes.url) }}{% if payload.labels %}!{% endif %}"
    )
    text = announced(load("issue_open"), issue=source)["attachments"][0]["text"]
    assert text == (
        "`Le quota affiché est faux` **projet-test-taaf** "
        " [ici](https://git.taaf.internal/taaf/projet-test-taaf/-/issues/14)"
    )


@pytest.mark.parametrize(
    "source",
    [
        "{{ payload.object_attributes.title.x.y() }}",
        "{{ ''.__class__.__mro__ }}{{ payload.__class__ }}",
        "{% for _ in range(10000000) %}x{% endfor %}",
        "{{ 1 + payload.user }}",
        "   ",
        "x{{ 'y' * 5000 }}{{ 'y' * 5000 }}" + "z" * 4000,
    ],
)
def test_a_template_that_fails_gives_way_to_the_built_in_sentence(
    source: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = announced(load("issue_open"), issue=source)["attachments"][0]["text"]
    assert text == "**Léo Perrin** a ouvert une issue"
    assert "template issue fails" in caplog.text


@pytest.mark.parametrize("name", ["all", "evil.invalid"])
@pytest.mark.parametrize("opening", ["@", "~", "#", "<", "<!", "&", "[x]("])
def test_what_stands_before_a_value_does_not_take_it_in(opening: str, name: str) -> None:
    payload = load("issue_open")
    payload["user"]["username"] = name
    for source in (
        f"{opening}{{{{ payload.user.username }}}})",
        f"{{% if 1 %}}{opening}{{% endif %}}{{% set x %}}{{{{ payload.user.username }}}}{{% endset %}}{{{{ x }}}})",
    ):
        text = announced(payload, issue=source)["attachments"][0]["text"]
        assert text == f"{opening}\u200b{name})", ascii(text)


@pytest.mark.parametrize("source", ["`{{ payload.nothing }}` {{ %s }}", "`{{ payload.user.name }}` {{ %s }}"])
def test_a_code_span_that_a_template_turns_inside_out_stays_inert(source: str) -> None:
    payload = load("push_normal") | {"user": {"name": "x`y"}, "ref": "refs/heads/@all](http://evil.invalid)"}
    for value in ("said", "payload.ref | code"):
        text = announced(payload, push=source % value)["text"].split("\n")[0]
        assert "@\u200ball]\u200b(http:\u200b//evil.invalid)" in text


@pytest.mark.parametrize("hostile", ["<", "&", "\\", '"', "*", "é"])
@pytest.mark.parametrize("times", [1, 3, 9])
@pytest.mark.parametrize(
    "name", ["issue_open", "note_issue", "pipeline_failed", "push_normal", "milestone_create"]
)
def test_however_much_it_says_the_box_stays_within_the_limits(name: str, times: int, hostile: str) -> None:
    """What 5.37 refuses for its size would be a dead letter, so it is said in the built-in words."""
    payload = overwritten(load(name), hostile * 20_000, (*KEPT, "url"))
    source = "{{ user }} {{ said }} {{ project | bold }} " * times
    message = announced(payload, **{payload["object_kind"]: source})
    for box in message.get("attachments", []):
        assert escaped_length(box) <= 7000


@settings(max_examples=200)
@given(TEXTS)
def test_whatever_fills_it_stays_text(text: str) -> None:
    payload = load("issue_open")
    payload["object_attributes"]["title"] = payload["user"]["name"] = text
    source = "{{ payload.object_attributes.title }}, {{ user }}, {{ payload.object_attributes.title ~ '' }}"
    box = announced(payload, issue=source)["attachments"][0]
    assert_inert(box["text"])
    json.dumps(box)
