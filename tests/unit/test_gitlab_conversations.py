"""What belongs together is one conversation: its first post shows how things stand, what is news is a reply."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.routing import Conversations, Route
from relays.wording import CATALOGUES, Language
from tests.postgresql import on_both_spools
from tests.unit.acts_world import BASE, HEAD, Payload, branch_gone, comment, push
from tests.unit.conversation_events import (
    OPEN,
    SHAS,
    change,
    deployment,
    elsewhere,
    issue,
    job,
    life,
    main,
    on_issue,
    pipeline,
    relabeled,
)
from tests.unit.conversations_world import (
    Make,
    Somebody,
    shows,
)
from tests.unit.test_relays_messages import load

SNAPSHOTS = Path(__file__).parent / "snapshots" / "conversations"
UPDATE = bool(os.environ.get("UPDATE_SNAPSHOTS"))


@on_both_spools
@pytest.mark.parametrize("language", CATALOGUES)
def test_the_life_of_a_merge_request(converse: Make, language: Language) -> None:
    directory = Somebody({"lperrin": "", "arichard": ""})
    relay = converse(
        default=Route(("dev",), conversations="threads", language=language),
        people={"cmorel": "camille"},
        directory=directory,
    )
    moments = life()
    assert sum(map(len, moments)) == 25
    chat = relay.live(*moments)
    (post,) = chat.posts()
    assert len(post.replies) <= 8
    for name in chat.people():
        told = [each.message.text for each in chat.posts(name)]
        things = [text.split(" ")[0] for text in told if text]
        assert len(set(things)) == len(things), told
    shown = "\n".join(f"=== {name}\n{chat.shown(name)}" for name in ("dev", *chat.people()))
    compare(f"merge_request_life.{language}", shown)


# What is heard, how many posts come of it, and how many replies each of them gets.
KINDS: dict[str, tuple[list[Payload], list[int]]] = {
    "a merge request": ([OPEN, relabeled(change("update", 1, HEAD)), change("close", 2, HEAD)], [1]),
    "one that nobody heard open": ([change("approved", 1, HEAD)], [1]),
    "one that is known by a comment only": ([comment(1, "Bien")], [1]),
    "two of them": ([OPEN, change("open", 1, HEAD, iid=9), change("close", 2, HEAD)], [1, 0]),
    "the same number in another project": ([OPEN, elsewhere(OPEN)], [0, 0]),
    "a draft that is ready": (
        [OPEN, change("update", 1, HEAD) | {"changes": {"draft": {"previous": True, "current": False}}}],
        [1],
    ),
    "a push to its branch": ([OPEN, push(BASE, SHAS[1])], [1]),
    "a push to another branch": ([OPEN, push(BASE, SHAS[1], branch="other")], [0, 0]),
    "its end": ([OPEN, change("merge", 1, HEAD, state="merged"), branch_gone()], [1, 0]),
    "pipelines of its head": (
        [OPEN, pipeline("running", 1), pipeline("success", 1), pipeline("success", 2)],
        [0],
    ),
    "pipelines that break and are fixed": (
        [OPEN, pipeline("success", 1), pipeline("failed", 2), pipeline("failed", 3), pipeline("success", 4)],
        [2],
    ),
    "a first pipeline that fails": ([OPEN, pipeline("failed", 1)], [1]),
    "a pipeline of one that nobody heard open": ([load("pipeline_failed_merge_request")], [1]),
    "a deployment of its branch": (
        [
            OPEN,
            deployment("success", 1, "feature/quota", "review"),
            deployment("success", 2, "feature/quota", "review"),
        ],
        [0],
    ),
    "one that fails": ([OPEN, deployment("failed", 1, "feature/quota", "review")], [1]),
    "jobs of its branch": (
        [OPEN, job("failed", 1, "feature/quota"), job("success", 2, "feature/quota")],
        [2],
    ),
    "an issue": ([issue("open", 0), relabeled(issue("update", 1)), on_issue("a"), issue("close", 2)], [2]),
    "a work item": ([load("work_item_task_open"), load("work_item_ticket_close")], [0, 1]),
    "a reaction": ([OPEN, load("emoji_award_merge_request")], [1]),
    "a branch that is sound": ([main("success", 1), main("success", 2), main("canceled", 3)], [0]),
    "one that breaks": ([main("success", 1), main("failed", 2), main("failed", 3)], [0, 0]),
    "one that is fixed": (
        [main("failed", 2), main("running", 3), main("success", 3), main("success", 4)],
        [1],
    ),
    "one that breaks again": ([main("failed", 2), main("success", 3), main("failed", 4)], [1, 0]),
    "two branches": ([main("success", 1), pipeline("success", 2, ref="other")], [0, 0]),
    "a release": ([load("release_create"), load("release_update"), load("release_delete")], [1]),
    "an environment": ([deployment("running", 1), deployment("success", 1), deployment("failed", 2)], [1]),
    "two environments": ([deployment("success", 1), deployment("success", 2, environment="staging")], [0, 0]),
    "a comment on a commit": ([load("note_commit"), load("note_commit") | {"event_type": "note "}], [0, 0]),
    "a tag, a page, a milestone": (
        [load("tag_push_annotated"), load("wiki_page_create"), load("milestone_create")],
        [0] * 3,
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_belongs_together_is_one_post(converse: Make, name: str) -> None:
    heard, replies = KINDS[name]
    mute = Mute(jobs=False, reactions=False)
    chat = converse(mute=mute).live(*([payload] for payload in heard))
    print(chat.shown())
    assert [len(post.replies) for post in chat.posts()] == replies


def compare(name: str, text: str) -> None:
    path = SNAPSHOTS / f"{name}.txt"
    if UPDATE or not (path.exists() or os.environ.get("CI")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@on_both_spools
def test_the_same_told_twice_changes_nothing_twice(converse: Make) -> None:
    relay = converse(mute=Mute(reviews=False))
    comments = [comment(1, "Bien"), comment(1, "Bien"), comment(2, "Oui"), comment(2, "Oui")]
    # By two hooks, and once more by the same one.
    chat = relay.hear(OPEN, *comments, push(), push(), keys=["o", "a", "b", "c", "c", "p", "q"])
    (post,) = chat.posts()
    assert len(post.replies) == 3
    assert "Activité: 1 commit poussé, 2 commentaires" in shows(chat)


def test_a_root_is_only_edited_if_it_shows_something_else(converse: Make) -> None:
    chat = converse().hear(
        OPEN, change("update", 1, HEAD, time_estimate=60), change("update", 2, HEAD, weight=3)
    )
    (post,) = chat.posts()
    assert (post.edits, post.replies) == (0, [])


# What each way to converse makes of the same: how many posts, and how many replies to the first one.
@pytest.mark.parametrize(
    ("mode", "posts", "replies"), [("threads", 1, 3), ("in place", 1, 0), ("single", 4, 0)]
)
def test_a_route_says_how_it_converses(converse: Make, mode: Conversations, posts: int, replies: int) -> None:
    relay = converse(default=Route(("dev",), conversations=mode))
    chat = relay.live(
        [OPEN],
        [comment(1, "Bien")],
        [change("approved", 1, HEAD)],
        [change("merge", 2, HEAD, state="merged")],
    )
    assert len(chat.posts()) == posts
    assert len(chat.posts()[0].replies) == replies
    if mode != "single":
        assert shows(chat).startswith("🟣")


def test_each_channel_has_its_own_language_and_detail(converse: Make) -> None:
    relay = converse(
        Route(("english",), final=False, language="en", detail="short", conversations="threads"),
        Route(
            ("merges",), events=("merge_request",), actions=("merge",), conversations="threads", final=False
        ),
    )
    chat = relay.hear(OPEN, pipeline("success", 5), change("merge", 2, HEAD, state="merged"))
    assert "Status: fusionné" in shows(chat)
    assert re.fullmatch(
        r"🟣 \[Merge Request #8: .*\]\(.*\) · projet-test-taaf — ✅\n", shows(chat, "english")
    )
    # The first that it hears is the merge, and the root shows all the same what was before it.
    assert "Pipeline: ✅" in shows(chat, "merges")


def test_a_channel_that_heard_nothing_of_it_is_not_told_by_its_pipelines(converse: Make) -> None:
    relay = converse(Route(("ops",), events=("pipeline",), conversations="threads"))
    chat = relay.hear(OPEN, pipeline("running", 5), pipeline("failed", 5))
    (post,) = chat.posts("ops")
    assert [reply.summary for reply in post.replies] == ["❌ Le pipeline a échoué"] or len(post.replies) == 1
    assert shows(chat).startswith("❌")
    assert chat.posts()[0].replies == []


def test_a_route_that_is_gone_is_not_followed_any_more(converse: Make) -> None:
    relay = converse(Route(("old",), events=("merge_request",), conversations="threads", final=False))
    relay.hear(OPEN)
    relay.relay.router = replace(relay.relay.router, routes=relay.relay.router.routes[1:])
    assert relay.relay.conversing is not None
    relay.relay.conversing = replace(relay.relay.conversing, router=relay.relay.router)
    chat = relay.hear(change("merge", 1, HEAD, state="merged"))
    assert shows(chat, "old").startswith("🟢")
    assert shows(chat).startswith("🟣")
