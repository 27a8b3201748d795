"""The messages about GitLab's events, word for word, and what becomes of payloads that lack something."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields as fields_of
from dataclasses import replace
from pathlib import Path
from string import Formatter
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.event import read_event
from relays.sources.gitlab.events import KINDS
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import Route
from relays.wording import CATALOGUES, Language, age
from tests.unit.test_relays_markup import TEXTS, assert_inert

PAYLOADS = Path(__file__).parents[2] / "tasks" / "samples" / "gitlab"
FILES = sorted(path.stem for path in PAYLOADS.glob("[a-z]*.json"))
GITLAB_NAMES = sorted(name for kind in KINDS.values() for name in kind.gitlab_names)


def load(name: str) -> dict[str, Any]:
    """A recorded payload."""
    payload: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    return payload


def dispatch(
    payload: object, language: str = "fr", *, everything: bool = False
) -> tuple[str, Message | None]:
    """The message about a payload, and why there is none; `everything`: also what is muted by default."""
    default = Route(("dev",), language=cast(Language, language))
    routes = [replace(default, confidential=True), default] if everything else [default]
    reason, messages = Router(routes, Mute(*[not everything] * len(fields_of(Mute)))).dispatch(
        read_event(Payload(payload))
    )
    return reason, messages.get("dev")


def announce(payload: object, language: str = "fr", *, everything: bool = False) -> dict[str, Any] | None:
    """The message about a payload as it goes to Mattermost, None if there is none."""
    _, message = dispatch(payload, language, everything=everything)
    return message.payload() if message else None


def test_a_merge_request_as_the_mission_draws_it() -> None:
    assert announce(load("merge_request_open")) == {
        "username": "GitLab Bot",
        "icon_emoji": ":fox_face:",
        "attachments": [
            {
                "color": "#00ff00",
                "title": "Merge Request #8: Corrige le calcul du quota",
                "title_link": "https://git.taaf.internal/taaf/projet-test-taaf/-/merge_requests/8",
                "text": "**Camille Morel** a ouvert une merge request",
                "fallback": "Camille Morel a ouvert une merge request — "
                "Merge Request #8: Corrige le calcul du quota (projet-test-taaf)",
                "fields": [
                    {"short": True, "title": "Projet", "value": "projet-test-taaf"},
                    {"short": True, "title": "Status", "value": "ouvert"},
                    {"short": True, "title": "Source", "value": "feature/quota"},
                    {"short": True, "title": "Target", "value": "main"},
                    # What the mission does not draw comes below, if there is any.
                    {"short": True, "title": "Assignés", "value": "Camille Morel"},
                    {"short": True, "title": "Relecteurs", "value": "Léo Perrin"},
                ],
            }
        ],
    }


def test_an_issue_in_the_same_style() -> None:
    message = announce(load("issue_open"))
    assert message is not None
    (box,) = message["attachments"]
    assert box["title"] == "Issue #14 : Le quota affiché est faux"
    assert box["title_link"] == "https://git.taaf.internal/taaf/projet-test-taaf/-/issues/14"
    assert [field["title"] for field in box["fields"]] == ["Projet", "Status", "Assignés"]


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
            "a mis à jour une merge request (nouveaux commits)",
            "updated a merge request (new commits)",
        ),
        (
            "merge_request_update_draft_to_ready",
            "#ffaa00",
            "a mis à jour une merge request (prête à être relue)",
            "updated a merge request (ready for review)",
        ),
        (
            "merge_request_unapproved",
            "#808080",
            "a retiré son approbation d'une merge request",
            "withdrew their approval of a merge request",
        ),
        (
            "merge_request_approval_partial_ee",
            "#808080",
            "a approuvé une merge request",
            "approved a merge request",
        ),
        (
            "merge_request_update_labels_only",
            "#ffaa00",
            "a mis à jour une merge request (labels)",
            "updated a merge request (labels)",
        ),
        (
            "merge_request_update_rerequest_review",
            "#ffaa00",
            "a mis à jour une merge request (relecture redemandée)",
            "updated a merge request (review requested again)",
        ),
        ("merge_request_approved", "#808080", "a approuvé une merge request", "approved a merge request"),
        ("merge_request_action_missing", "#808080", "a modifié une merge request", "changed a merge request"),
        ("work_item_task_open", "#00ff00", "a ouvert une tâche", "opened a task"),
        ("issue_incident_open_legacy", "#00ff00", "a ouvert un incident", "opened an incident"),
        ("work_item_ticket_close", "#ff0000", "a fermé un ticket", "closed a ticket"),
        ("issue_open", "#00ff00", "a ouvert une issue", "opened an issue"),
        ("issue_close", "#ff0000", "a fermé une issue", "closed an issue"),
        ("issue_reopen", "#808080", "a rouvert une issue", "reopened an issue"),
        ("issue_update_labels", "#ffaa00", "a mis à jour une issue (labels)", "updated an issue (labels)"),
        (
            "issue_update_assignee",
            "#ffaa00",
            "a mis à jour une issue (assignation)",
            "updated an issue (assignment)",
        ),
    ],
)
def test_actions(name: str, color: str, french: str, english: str) -> None:
    for language, words in (("fr", french), ("en", english)):
        message = announce(load(name), language)
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
    message = announce(load(name))
    assert message is not None
    first, *commits = message["text"].split("\n")
    assert first == text
    assert all(line.startswith("- ") for line in commits)


def test_a_push_lists_its_newest_commits_and_how_many_more_there_are() -> None:
    message = announce(load("push_312_commits"))
    assert message is not None
    _, *commits = message["text"].split("\n")
    address = "https://git.taaf.internal/taaf/projet-test-taaf/-"
    assert commits[0] == (
        f"- [`49386938`]({address}/commit/493869383deffd81ff2c704452fd5130abd503b2) Lot de migration 25"
        " — Camille Morel"
    )
    assert len(commits) == 6
    assert commits[-1] == (
        f"- [… et 307 de plus]({address}/compare/2cc0a011995baaa3eb69279a91654a4a7a389372"
        "...e0417928efb829deba056fc53babf67b9aab8d1a)"
    )


def fields(payload: dict[str, Any]) -> dict[str, str]:
    """The fields of the box about a payload."""
    message = announce(payload)
    assert message is not None
    (box,) = message["attachments"]
    return {field["title"]: field["value"] for field in box["fields"]}


def test_an_update_says_what_changed() -> None:
    payload = load("merge_request_update_assignee_reviewer")
    payload["changes"]["target_branch"] = {"previous": "develop", "current": "main"}
    payload["changes"]["title"] = {"previous": "Draft: Ancien", "current": "Nouveau"}
    payload["changes"]["labels"] = {
        "previous": [{"title": "bug"}, {"title": "a"}],
        "current": [{"title": "a"}, {"title": "urgent"}],
    }
    payload["changes"]["description"] = {"previous": "x", "current": "y"}
    shown = fields(payload)
    assert shown["Ancienne cible"] == "develop"
    assert shown["Ancien titre"] == "Draft: Ancien"
    assert shown["Assignés"] == "\u200b+ Camille Morel"
    assert shown["Relecteurs"] == "\u200b+ Léo Perrin"
    assert shown["Labels"] == "\u200b+ urgent, − bug"
    message = announce(payload)
    assert message is not None
    assert message["attachments"][0]["text"].endswith(
        " (titre, branche cible, assignation, relecteurs, labels, description)"
    )
    assert fields(load("merge_request_update_rerequest_review"))["Relecture redemandée à"] == "Léo Perrin"


@pytest.mark.parametrize("changed", [{"draft": {"previous": True, "current": False}}, {}])
def test_leaving_the_draft_is_no_change_of_the_title(changed: dict[str, Any]) -> None:
    payload = load("merge_request_update_draft_to_ready")
    payload["changes"] = {"title": payload["changes"]["title"], **changed}
    message = announce(payload)
    assert (message is None) == (not changed)
    if changed:
        assert "Ancien titre" not in fields(payload)


@pytest.mark.parametrize("username", ["project_12_bot", "group_5_bot_0f1e2d", "project_12_bot1"])
@pytest.mark.parametrize(
    ("name", "announced"),
    [
        ("note_issue", False),
        ("merge_request_update_oldrev", False),
        ("issue_update_labels", False),
        ("merge_request_open", True),
        ("merge_request_merge", True),
        ("issue_close", True),
    ],
)
def test_bots_comment_and_update_silently(name: str, announced: bool, username: str) -> None:
    payload = load(name)
    assert announce(payload) is not None
    payload["user"]["username"] = username
    assert (announce(payload) is not None) == announced


@pytest.mark.parametrize(
    ("status", "compared", "words"),
    [
        ("success", "fixed", "réussit de nouveau"),
        ("failed", "still_failing", "échoue toujours"),
        ("failed", "broken", "ne réussit plus"),
        ("failed", "unknown", "a échoué"),
        ("canceled", "still_failing", "a été annulé"),
    ],
)
def test_a_pipeline_is_compared_with_the_one_before(status: str, compared: str, words: str) -> None:
    payload = load("pipeline_failed_with_ref_status_name")
    payload["object_attributes"].update(status=status, ref_status_name=compared)
    message = announce(payload)
    assert message is not None
    assert words in message["attachments"][0]["text"]


def test_a_work_item_of_another_type_keeps_its_name() -> None:
    payload = load("work_item_task_open")
    payload["object_attributes"]["type"] = "Exigence"
    message = announce(payload)
    assert message is not None
    (box,) = message["attachments"]
    assert box["title"] == "Exigence #17 : Sous-tâche : écrire la doc"
    assert box["text"] == "**Léo Perrin** a ouvert un élément de travail « Exigence »"


def test_a_long_path_keeps_its_end() -> None:
    payload = load("note_merge_request_diff")
    payload["object_attributes"]["position"]["new_path"] = f"{'src/' * 40}quota.py"
    assert fields(payload)["Fichier"].endswith("src/quota.py:12`")
    assert fields(payload)["Fichier"].startswith("`…")


@pytest.mark.parametrize(
    ("name", "key", "value", "words"),
    [
        ("build_failed", "build_allow_failure", True, "toléré"),
        ("build_failed", "build_status", "canceled", "a été annulé"),
        ("feature_flag_on", "active", False, "a désactivé"),
        ("feature_flag_on", "active", None, "a modifié"),
        ("access_token_expiring_project", "expires_at", None, "expire bientôt"),
        ("access_token_expiring_project", "expires_at", "2026-12-03 07:57:25 UTC", "expire le 03/12/2026"),
        ("vulnerability_ee", "state", "resolved", "a été corrigée"),
        ("vulnerability_ee", "state", "new", "a été mise à jour"),
    ],
)
def test_variants(name: str, key: str, value: object, words: str) -> None:
    payload = load(name)
    (payload if key in payload else payload["object_attributes"])[key] = value
    assert words in json.dumps(announce(payload, everything=True), ensure_ascii=False)


SYSTEM = ("member", "account", "project", "group")
FLAT = {
    "name": "Équipe",
    "path": "equipe",
    "path_with_namespace": "taaf/equipe",
    "old_path_with_namespace": "taaf/ancien",
    "group_name": "TAAF",
    "user_name": "Léo Perrin",
    "username": "lperrin",
    "old_username": "leo",
    "group_access": "Developer",
}


@pytest.mark.parametrize("kind", sorted({name for kind in SYSTEM for name in KINDS[kind].gitlab_names}))
@pytest.mark.parametrize("language", CATALOGUES)
def test_system_and_group_events_are_one_line(kind: str, language: str) -> None:
    message = announce({**FLAT, "event_name": kind}, language)
    assert message is not None
    assert re.search("TAAF|taaf/equipe|lperrin", message["text"])
    assert "attachments" not in message
    assert announce({"event_name": kind}, language) is not None


def test_no_address_of_a_person_and_no_variable_is_announced() -> None:
    for name in FILES:
        payload = load(name)
        payload.setdefault("object_attributes", {})
        if isinstance(payload["object_attributes"], dict):
            payload["object_attributes"]["variables"] = [{"key": "CLE", "value": "valeur-secrete"}]
        shown = json.dumps(announce(payload) or {}, ensure_ascii=False)
        assert "valeur-secrete" not in shown, name
        assert not re.search(r"@(?:\u200b)?taaf\.internal", shown), name


# Keys that say what an event is rather than what it is about.
KEPT = (
    "object_kind",
    "event_name",
    "event_type",
    "action",
    "status",
    "build_status",
    "detailed_status",
    "awardable_type",
    "state",
    "before",
    "after",
    "web_url",
)


def overwritten(value: Any, text: str, keep: tuple[str, ...]) -> Any:
    """The payload with all its texts replaced, but for those under some keys."""
    if isinstance(value, dict):
        return {key: child if key in keep else overwritten(child, text, keep) for key, child in value.items()}
    if isinstance(value, list):
        return [overwritten(child, text, keep) for child in value]
    return text if isinstance(value, str) else value


def outside_code(text: str) -> str:
    """The text without code spans, in which nothing acts, and without the addresses of its links."""
    # As CommonMark reads it: an escaped character, a span between runs of equally many backticks, any other character.
    tokens = re.finditer(r"\\.|(?<!`)(?P<fence>`+)(?!`).+?(?<!`)(?P=fence)(?!`)|.", text)
    kept = "".join("" if token["fence"] else token.group() for token in tokens)
    return re.sub(r"\]\(https?://[\w.:/%+-]+\)", "]", kept)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=15)
@given(TEXTS)
def test_whatever_an_event_holds_stays_text(name: str, text: str) -> None:
    # The helper takes a colon at the end for a scheme once a bracket of the wording follows.
    message = announce(overwritten(load(name), f"{text}x", KEPT)) or {}
    for shown in message.get("text", "").split("\n"):
        assert_inert(outside_code(shown))
    for box in message.get("attachments", []):
        assert_inert(box["title"].replace("#", ""))
        assert_inert(box["fallback"].replace("#", ""))
        assert_inert(outside_code(box["text"]))
        assert markup.link_target(box.get("title_link", "")) == box.get("title_link", "")
        for field in box["fields"]:
            if field["title"] != "Commentaire":  # which keeps its shape: see test_relays_markdown
                assert_inert(outside_code(field["value"]))


@pytest.mark.parametrize(
    "name",
    [
        "merge_request_update_empty_changes",
        "issue_confidential_open",
        "note_issue_confidential",
        "note_issue_internal",
        "note_issue_update",
        "emoji_revoke_issue",
        "system_repository_update",
        "build_created",
        "work_item_confidential_open",
        "pipeline_running",
        "pipeline_success_child",
        "deployment_running",
    ],
)
def test_no_message(name: str) -> None:
    assert announce(load(name)) is None


@pytest.mark.parametrize("kind", ["merge_request_update_labels_only", "issue_update_labels"])
def test_updates_of_bookkeeping_alone_are_no_news(kind: str) -> None:
    payload = load(kind)
    labels = payload["changes"].pop("labels")
    payload["changes"]["relative_position"] = {"previous": 1, "current": 2}
    assert announce(payload) is None
    payload["changes"]["labels"] = labels
    assert announce(payload) is not None
    payload["changes"]["labels"] = {"previous": labels["current"], "current": labels["current"]}
    assert announce(payload) is None


@pytest.mark.parametrize("removed", ["object_attributes.confidential", "event_type"])
def test_one_sign_of_confidentiality_is_enough(removed: str) -> None:
    payload = load("issue_confidential_open")
    *parents, key = removed.split(".")
    (payload[parents[0]] if parents else payload).pop(key)
    assert announce(payload) is None


def paths_of(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all keys and elements, at every depth."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield (*path, key)
        yield from paths_of(child, (*path, key))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", FILES)
def test_any_single_key_may_be_missing_or_null_or_odd(name: str) -> None:
    text = json.dumps(load(name))
    whole = announce(json.loads(text))
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
            message = announce(payload)
            if path[0] not in (
                "object_kind",
                "object_attributes",
                "event_type",
                "changes",
                "issue",
                "status",
                "source_pipeline",
                "event_name",
                "build_status",
                "action",
                "note",
            ):
                assert (message is None) == (whole is None), path


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from(GITLAB_NAMES),
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
    announce({**payload, "object_kind": kind})


def escaped_length(box: object) -> int:
    """The length that Mattermost counts: JSON as Go writes it, in characters."""
    text = json.dumps([box], ensure_ascii=False, separators=(",", ":"))
    return len(text) + 5 * sum(text.count(character) for character in "<>&\u2028\u2029")


@pytest.mark.parametrize("hostile", ["<", "\\", '"', "&", "@", "*", "𝕏", "`"])
@pytest.mark.parametrize("name", FILES)
def test_the_longest_texts_stay_within_the_limits(name: str, hostile: str) -> None:
    message = announce(overwritten(load(name), hostile * 20_000, (*KEPT, "url"))) or {}
    for box in message.get("attachments", []):
        assert escaped_length(box) <= 7000
    assert len(message.get("text", "")) <= 16_383


@pytest.mark.parametrize("hostile", ["<", "é", "*", '"'])
def test_a_box_that_grows_too_large_loses_its_last_fields(hostile: str) -> None:
    payload = overwritten(load("merge_request_open"), hostile * 20_000, (*KEPT, "url"))
    many = [{"name": hostile * 100, "title": hostile * 100}] * 9
    payload.update(assignees=many, reviewers=many, labels=many, milestone={"title": hostile * 100})
    message = announce(payload)
    assert message is not None
    (box,) = message["attachments"]
    assert escaped_length(box) <= 7000
    titles = [field["title"] for field in box["fields"]]
    assert titles[:4] == ["Projet", "Status", "Source", "Target"]
    assert ("Jalon" in titles) == (hostile != "<")


NEW = {
    "assignees": [{"name": "Camille Morel"}, {"username": "lperrin"}],
    "reviewers": [{"name": "Léo Perrin"}],
    "labels": [{"title": "bug"}, {"title": "urgent"}],
    "object_attributes": {
        "draft": True,
        "milestone_id": 3,
        "due_date": "2026-12-01",
        "weight": 0,
        "severity": "high",
    },
}


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        (
            "fr",
            {
                "Assignés": "Camille Morel, lperrin",
                "Relecteurs": "Léo Perrin",
                "Labels": "bug, urgent",
                "Jalon": "oui",
                "Brouillon": "oui",
                "Échéance": "01/12/2026",
                "Poids": "0",
                "Gravité": "élevée",
            },
        ),
        (
            "en",
            {
                "Assignees": "Camille Morel, lperrin",
                "Reviewers": "Léo Perrin",
                "Labels": "bug, urgent",
                "Milestone": "yes",
                "Draft": "yes",
                "Due": "2026-12-01",
                "Weight": "0",
                "Severity": "high",
            },
        ),
    ],
)
@pytest.mark.parametrize("kind", ["issue", "work_item", "merge_request"])
def test_what_is_new_says_what_it_has(kind: str, language: str, shown: dict[str, str]) -> None:
    payload: dict[str, Any] = {"object_kind": kind, **NEW}
    payload["object_attributes"] = {"action": "open", **NEW["object_attributes"]}  # type: ignore[dict-item]
    message = announce(payload, language)
    assert message is not None
    (box,) = message["attachments"]
    assert {field["title"]: field["value"] for field in box["fields"]} == shown
    # What is not new says it no more, nor does a new one say what it has not.
    payload["object_attributes"]["action"] = "close"
    again = announce(payload, language)
    bare = announce({"object_kind": kind, "object_attributes": {"action": "open", "labels": []}}, language)
    assert again is not None
    assert bare is not None
    assert again["attachments"][0]["fields"] == bare["attachments"][0]["fields"] == []


def test_a_milestone_has_its_name_where_the_payload_says_it() -> None:
    payload = load("issue_open")
    payload["object_attributes"].update(milestone_id=3, milestone={"title": "v1.2"})
    assert fields(payload)["Jalon"] == "v1.2"


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
