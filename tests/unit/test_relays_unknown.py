"""What a payload does not say is left out of the message, whatever that is: no placeholder, no empty place."""

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relays.wording import CATALOGUES
from tests.unit.test_relays_messages import FILES, GITLAB_NAMES, announce, load
from tests.unit.test_relays_snapshots import rendered

# What decides that there is a message at all, and which sentence it says.
KEPT = (
    "object_kind",
    "event_name",
    "event_type",
    "action",
    "status",
    "build_status",
    "state",
    "object_attributes",
)
# A question mark alone, an empty pair of brackets or of markup, a colon or a dash that nothing follows.
PLACEHOLDER = re.compile(
    r"(?:^|[\s`*(\[#·!])\?(?=$|[\s`*:)\].,])"
    r"|\(\s*\)|\[\s*\]|(?<!`)``(?!`)|(?<!\*)\*\*\*\*(?!\*)"
    r"|[:—]\s*(?:$|[)\]])|[:—]\s+[:—]|\S {2,}\S|\b(?:inconnue?|unknown|None|null)\b",
    re.MULTILINE,
)


def shown(payload: object, language: str) -> str:
    """A message as a reader sees it, emoji aside and without the lines that only say where a title leads to."""
    text = rendered("", announce(payload, language, everything=True))
    return re.sub(r"^  <.*>$|:(?=thumbsup:)|(?<=:thumbsup):", "", text, flags=re.MULTILINE)


def placeholders(payload: object, language: str) -> list[str]:
    """What stands for something that is not known."""
    return [found.group() for found in PLACEHOLDER.finditer(shown(payload, language))]


def without_one_key(payload: Any, whole: Any) -> Iterator[str]:
    """The payload without each of its keys in turn, and with nothing under it; the path of the key."""
    if isinstance(payload, list):  # the newest element stands for all
        yield from (f"[-1].{path}" for path in without_one_key(payload[-1], whole)) if payload else ()
    elif isinstance(payload, dict):
        for key, value in list(payload.items()):
            del payload[key]
            yield key
            for nothing in (None, " \0\n"):
                payload[key] = nothing
                yield f"{key} = {nothing!r}"
            payload[key] = value
            yield from (f"{key}.{path}" for path in without_one_key(value, whole))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("language", CATALOGUES)
@pytest.mark.parametrize("name", FILES)
def test_no_message_shows_what_one_missing_key_would_say(name: str, language: str) -> None:
    payload = load(name)
    of_its_own = placeholders(payload, language)
    for path in without_one_key(payload, payload):
        assert set(placeholders(payload, language)) <= set(of_its_own), path


def sparse(value: Any, chance: random.Random, kept: float) -> Any:
    """The payload without many of its keys."""
    if isinstance(value, dict):
        return {
            key: child if key in KEPT and not isinstance(child, dict) else sparse(child, chance, kept)
            for key, child in value.items()
            if key in KEPT or chance.random() < kept
        }
    return [sparse(child, chance, kept) for child in value] if isinstance(value, list) else value


@pytest.mark.parametrize("language", CATALOGUES)
@pytest.mark.parametrize("name", FILES)
def test_no_message_shows_what_many_missing_keys_would_say(name: str, language: str) -> None:
    payload = load(name)
    of_its_own = set(placeholders(payload, language))
    for kept in (0.0, 0.3, 0.7):
        for seed in range(5):
            less = sparse(payload, random.Random(seed), kept)
            assert set(placeholders(less, language)) <= of_its_own, (kept, seed)


@given(st.sampled_from(GITLAB_NAMES), st.sampled_from(sorted(CATALOGUES)), st.data())
def test_an_event_that_says_nothing_has_no_placeholder(kind: str, language: str, data: st.DataObject) -> None:
    actions = (
        "open",
        "close",
        "update",
        "create",
        "delete",
        "running",
        "success",
        "failed",
        "detected",
        "x",
        "",
    )
    action = data.draw(st.sampled_from(actions))
    payload = {"object_kind": kind, "action": action, "status": action, "build_status": action}
    payload["object_attributes"] = {"action": action, "status": action, "state": action}  # type: ignore[assignment]
    assert placeholders(payload, language) == []


def test_the_placeholders_would_be_found() -> None:
    for text in ("`?`", "**?**", "Issue #?: ?", "a ()", "a :", "x (?)", "Projet: inconnu", "a  b", "a: : b"):
        assert PLACEHOLDER.search(text), text
    assert not PLACEHOLDER.search("Pourquoi? `a?b` ce n'est pas: clair (oui)")


PROJECT = {"name": "web", "web_url": "https://git.example.org/ops/web", "path_with_namespace": "ops/web"}
USER = {"name": "Alex", "username": "alex"}
SHA = "b" * 40


def test_a_commit_without_a_title_is_worded_by_the_first_line_of_its_message() -> None:
    url = f"https://git.example.org/ops/web/-/commit/{SHA}"
    message = announce(
        {
            "object_kind": "note",
            "user": USER,
            "project": PROJECT,
            "object_attributes": {"action": "create", "note": "Good", "url": url},
            "commit": {"id": SHA, "message": "Add submodule\n\nSigned-off-by: A"},
        }
    )
    assert message is not None
    assert message["attachments"][0]["title"].endswith("Add submodule")
    assert message["attachments"][0]["title"].startswith("bbbbbbbb")


def test_a_deployment_without_a_ref_has_no_branch() -> None:
    message = announce(
        {
            "object_kind": "deployment",
            "status": "success",
            "environment": "production",
            "deployable_url": "https://git.example.org/ops/web/-/jobs/9",
            "project": PROJECT,
            "user": USER,
            "short_sha": "bbbbbbbb",
            "commit_url": "",
            "commit_title": "Fix",
        }
    )
    assert message is not None
    fields = {field["title"]: field["value"] for field in message["attachments"][0]["fields"]}
    assert fields == {"Projet": "web", "Commit": "`bbbbbbbb` Fix"}
