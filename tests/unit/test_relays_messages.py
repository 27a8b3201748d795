"""The messages about GitLab's events, word for word, and what becomes of payloads that lack something."""

import json
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relays.gitlab.events import BUILDERS, kind_of
from relays.gitlab.payload import Payload
from relays.wording import CATALOGUES, age

PAYLOADS = Path(__file__).parents[1] / "fixtures" / "gitlab-payloads"
FILES = sorted(path.stem for path in PAYLOADS.glob("[a-z]*.json"))


def load(name: str) -> dict[str, Any]:
    """A recorded payload."""
    payload: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    return payload


def tell(payload: object, language: str = "fr") -> dict[str, Any] | None:
    """The message about a payload as it goes to Mattermost, None if there is none."""
    event = Payload(payload)
    builder = BUILDERS.get(kind_of(event))
    message = builder(event, CATALOGUES[language]) if builder else None
    return message.payload() if message else None


def test_a_merge_request_as_the_mission_draws_it() -> None:
    assert tell(load("merge_request_open")) == {
        "username": "GitLab Bot",
        "icon_emoji": ":fox_face:",
        "attachments": [
            {
                "color": "#00ff00",
                "title": "Merge Request #8: Corrige le calcul du quota",
                "title_link": "https://git.taaf.internal/taaf/projet-test-taaf/-/merge_requests/8",
                "text": "**Camille Morel** a ouvert une merge request",
                "fallback": "Camille Morel a ouvert une merge request : "
                "Merge Request #8: Corrige le calcul du quota (projet-test-taaf)",
                "fields": [
                    {"short": True, "title": "Projet", "value": "projet-test-taaf"},
                    {"short": True, "title": "Status", "value": "opened"},
                    {"short": True, "title": "Source", "value": "feature/quota"},
                    {"short": True, "title": "Target", "value": "main"},
                ],
            }
        ],
    }


def test_an_issue_in_the_same_style() -> None:
    message = tell(load("issue_open"))
    assert message is not None
    (box,) = message["attachments"]
    assert box["title"] == "Issue #14: Le quota affiché est faux"
    assert box["title_link"] == "https://git.taaf.internal/taaf/projet-test-taaf/-/issues/14"
    assert [field["title"] for field in box["fields"]] == ["Projet", "Status"]


@pytest.mark.parametrize(
    ("name", "color", "french", "english"),
    [
        ("merge_request_open", "#00ff00", "a ouvert une merge request", "opened a merge request"),
        ("merge_request_merge", "#0000ff", "a fusionné une merge request", "merged a merge request"),
        ("merge_request_close", "#ff0000", "a fermé une merge request", "closed a merge request"),
        ("merge_request_reopen", "#808080", "a réouvert une merge request", "reopened a merge request"),
        (
            "merge_request_update_oldrev",
            "#ffaa00",
            "a mis à jour une merge request",
            "updated a merge request",
        ),
        (
            "merge_request_update_labels_only",
            "#ffaa00",
            "a mis à jour une merge request",
            "updated a merge request",
        ),
        (
            "merge_request_update_rerequest_review",
            "#ffaa00",
            "a mis à jour une merge request",
            "updated a merge request",
        ),
        ("merge_request_approved", "#808080", "a approuvé une merge request", "approved a merge request"),
        ("merge_request_action_missing", "#808080", "a signalé une merge request", "touched a merge request"),
        ("issue_open", "#00ff00", "a ouvert une issue", "opened an issue"),
        ("issue_close", "#ff0000", "a fermé une issue", "closed an issue"),
        ("issue_reopen", "#808080", "a réouvert une issue", "reopened an issue"),
        ("issue_update_labels", "#ffaa00", "a mis à jour une issue", "updated an issue"),
        ("issue_update_assignee", "#ffaa00", "a mis à jour une issue", "updated an issue"),
    ],
)
def test_actions(name: str, color: str, french: str, english: str) -> None:
    for language, words in (("fr", french), ("en", english)):
        message = tell(load(name), language)
        assert message is not None
        (box,) = message["attachments"]
        assert box["color"] == color
        assert box["text"].endswith(f"** {words}")
        assert words in box["fallback"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("push_normal", "📦 **Admin TAAF** a poussé 2 commit(s) sur **projet-test-taaf** (branche `main`)"),
        (
            "push_312_commits",
            "📦 **Admin TAAF** a poussé 312 commit(s) sur **projet-test-taaf** (branche `main`)",
        ),
        (
            "push_new_branch_no_commits",
            "🌱 **Admin TAAF** a créé la branche `release/1.2` sur **projet-test-taaf**",
        ),
        (
            "push_deleted_branch",
            "🗑️ **Admin TAAF** a supprimé la branche `feature/quota` sur **projet-test-taaf**",
        ),
        (
            "push_no_commits",
            "⏪ **Admin TAAF** a déplacé la branche `main` sur **projet-test-taaf** sans nouveau commit",
        ),
        (
            "push_tricky_markdown",
            "📦 **J_ean \\*Du|pont\\* <\u200bdev>** a poussé 1 commit(s) sur **projet-test-taaf**"
            " (branche `fix/été_(v2)*[x]#1`)",
        ),
    ],
)
def test_pushes(name: str, text: str) -> None:
    message = tell(load(name))
    assert message is not None
    assert message["text"] == text


def test_a_new_branch_with_commits_tells_the_commits() -> None:
    message = tell(load("push_new_branch"))
    assert message is not None
    assert "a poussé" in message["text"]


@pytest.mark.parametrize(
    "name",
    [
        "merge_request_update_empty_changes",
        "issue_confidential_open",
        "note_issue_confidential",
        "note_issue_internal",
        "note_issue_update",
        "system_project_create",
        "pipeline_running",
        "pipeline_success_child",
        "deployment_running",
        "build_failed",
    ],
)
def test_no_message(name: str) -> None:
    assert tell(load(name)) is None


@pytest.mark.parametrize("kind", ["merge_request_update_labels_only", "issue_update_labels"])
def test_updates_of_bookkeeping_alone_are_no_news(kind: str) -> None:
    payload = load(kind)
    labels = payload["changes"].pop("labels")
    payload["changes"]["relative_position"] = {"previous": 1, "current": 2}
    assert tell(payload) is None
    payload["changes"]["labels"] = labels
    assert tell(payload) is not None
    payload["changes"]["labels"] = {"previous": labels["current"], "current": labels["current"]}
    assert tell(payload) is None


@pytest.mark.parametrize("removed", ["object_attributes.confidential", "event_type"])
def test_one_sign_of_confidentiality_is_enough(removed: str) -> None:
    payload = load("issue_confidential_open")
    *parents, key = removed.split(".")
    (payload[parents[0]] if parents else payload).pop(key)
    assert tell(payload) is None


def paths_of(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all keys and elements, at every depth."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield (*path, key)
        yield from paths_of(child, (*path, key))


@pytest.mark.parametrize("name", FILES)
def test_any_single_key_may_be_missing_or_null_or_odd(name: str) -> None:
    text = json.dumps(load(name))
    whole = tell(json.loads(text))
    for path in list(paths_of(json.loads(text))):
        replacements: list[object] = [None, [], {}, "x", 7, True, ...]
        for replacement in replacements:
            payload = json.loads(text)
            parent = payload
            for key in path[:-1]:
                parent = parent[key]
            if replacement is ...:
                del parent[path[-1]]
            else:
                parent[path[-1]] = replacement
            message = tell(payload)
            if path[0] not in (
                "object_kind",
                "object_attributes",
                "event_type",
                "changes",
                "issue",
                "status",
                "source_pipeline",
            ):
                assert (message is None) == (whole is None), path


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from(sorted(BUILDERS)),
    st.dictionaries(
        st.sampled_from(
            [
                "user",
                "project",
                "object_attributes",
                "changes",
                "commits",
                "ref",
                "before",
                "after",
                "user_name",
            ]
        )
        | st.just("total_commits_count"),
        JSON
        | st.dictionaries(
            st.sampled_from(["name", "iid", "title", "url", "state", "action", "source_branch"]), JSON
        ),
    ),
)
def test_no_payload_breaks_a_builder(kind: str, payload: dict[str, Any]) -> None:
    tell({**payload, "object_kind": kind})


def escaped_length(box: object) -> int:
    """The length that Mattermost counts: JSON as Go writes it, in characters."""
    text = json.dumps([box], ensure_ascii=False, separators=(",", ":"))
    return len(text) + 5 * sum(text.count(character) for character in "<>&\u2028\u2029")


@pytest.mark.parametrize("hostile", ["<", "\\", '"', "&", "@", "*", "𝕏", "`"])
@pytest.mark.parametrize("name", ["merge_request_open", "issue_open", "push_normal"])
def test_the_longest_texts_stay_within_the_limits(name: str, hostile: str) -> None:
    def lengthen(value: Any) -> Any:
        if isinstance(value, dict):
            kept = ("object_kind", "event_type", "action", "url", "before", "after")
            return {key: child if key in kept else lengthen(child) for key, child in value.items()}
        return hostile * 20_000 if isinstance(value, str) else value

    message = tell(lengthen(load(name)))
    assert message is not None
    for box in message.get("attachments", []):
        assert escaped_length(box) <= 7600
    assert len(message.get("text", "")) <= 16_383


def test_every_language_has_every_text_with_the_same_places() -> None:
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    french = CATALOGUES["fr"]
    for language, catalogue in CATALOGUES.items():
        assert catalogue.keys() == french.keys(), language
        for key, text in catalogue.items():
            assert text, key
            assert places(text) == places(french[key]), key


def test_ages_in_words() -> None:
    assert [age(CATALOGUES["fr"], seconds) for seconds in (-1, 59.9, 60, 7199, 7200, 200_000)] == [
        *("0 s", "59 s", "1 min", "1 h", "2 h", "2 j"),
    ]
