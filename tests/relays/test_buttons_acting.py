"""Buttons that change something in GitLab: for whom, once, and what is said where GitLab does not do it."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.postgresql import on_both_spools
from tests.relays import gitlab_acting
from tests.relays.bot_sink import BotSink, Written
from tests.relays.commanded import bot, chat
from tests.relays.events import body, changed, send
from tests.relays.gitlab_acting import (
    GUEST,
    IDS,
    MAINTAINER,
    PROJECT,
    REPORTER,
    WRITE_TOKEN,
    Failure,
    GitLab,
    gitlab,
)
from tests.relays.pressing import SETTING, buttons, press
from tests.relays.process import Relay, undelivered, wait_for
from tests.relays.slash import ALICE, BOB, ask, introduce

__all__ = ["bot", "chat", "gitlab"]

PUT = f"PUT projects/{PROJECT}/merge_requests/8"
RETRY = "POST projects/taaf/projet-test-taaf/pipelines/503/retry {}"
SAID = "👀 alice relit cette merge request."


@pytest.fixture
def relay(bot: Callable[..., Relay], chat: BotSink, gitlab: GitLab, tmp_path: Path) -> Iterator[Relay]:
    made = bot(
        'people = { alice = "alice", bob = "bob", marc = "zoe" }', commands=gitlab_acting.settings(gitlab)
    )
    gitlab_acting.hand_token(tmp_path)
    made.start()
    yield made
    assert WRITE_TOKEN not in made.text
    assert gitlab.tokens <= {WRITE_TOKEN}


def root_of(relay: Relay, chat: BotSink, *events: bytes) -> Written:
    """The one root that these events make."""
    for event in events:
        send(relay, event)
        wait_for(lambda: undelivered(relay) == 0)
    wait_for(lambda: len(chat.roots("dev")) == 1 and undelivered(relay) == 0)
    # It shows the last of them, with the buttons of that state.
    wait_for(lambda: relay.count("conversation WHERE due_at IS NOT NULL") == 0)
    return chat.roots("dev")[0]


def names(post: Written) -> list[str]:
    return [each["name"] for each in buttons(post).values()]


OPEN = body("merge_request_open.json")
FAILED, FAILED_OPEN = body("pipeline_failed.json"), body("pipeline_failed_merge_request.json")


def shown(chat: BotSink, root: Written) -> list[str]:
    return [each.shown for each in chat.replies(root)]


@on_both_spools
def test_who_reviews_becomes_a_reviewer_beside_those_who_are(
    relay: Relay, chat: BotSink, gitlab: GitLab
) -> None:
    """Once, over presses and a kill; and the thread says so."""
    gitlab.reviewers = [4]
    root = root_of(relay, chat, OPEN)
    assert press(relay, chat, root, "review") == (
        "👀 Vous êtes maintenant parmi les relecteurs dans GitLab, et le fil le dit."
    )
    wait_for(lambda: shown(chat, root) == [SAID])
    relay.kill()
    relay.start()
    again = "👀 Vous êtes déjà parmi les relecteurs dans GitLab, et le fil le dit."
    assert press(relay, chat, root, "review") == again
    assert press(relay, chat, root, "review", BOB) == (
        "👀 You are among the reviewers in GitLab now, and the thread says so."
    )
    wait_for(lambda: len(chat.replies(root)) == 2)
    assert gitlab.changed == [
        f'{PUT} {{"reviewer_ids": [4, {IDS["alice"]}]}}',
        f'{PUT} {{"reviewer_ids": [4, {IDS["alice"]}, {IDS["bob"]}]}}',
    ]


def test_who_has_pressed_is_not_asked_for_a_review(relay: Relay, chat: BotSink, gitlab: GitLab) -> None:
    """GitLab says in the name of whose token it is that they are a reviewer now."""
    chat.people["zoe"] = "id-of-zoe"
    root = root_of(relay, chat, OPEN)
    assert press(relay, chat, root, "review").startswith("👀 Vous êtes maintenant parmi les relecteurs")
    event = json.loads(body("merge_request_update_labels_only.json"))
    people = [{"username": name, "name": name} for name in ("alice", "marc")]
    event |= {"reviewers": people, "changes": {"reviewers": {"previous": [], "current": people}}}
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    event["object_attributes"] |= {"updated_at": now}
    send(relay, json.dumps(event).encode())
    wait_for(lambda: "alice, marc" in str(root.props))
    wait_for(lambda: [each for each in chat.written("@zoe") if "demande une relecture" in each.shown])
    assert chat.written("@alice") == []


NOT_YOURS = "Le site ne dit pas quel compte de GitLab est le vôtre : rien n'a été fait."
NO_ACCESS = "🔒 Vous n'avez pas accès à cette merge request dans GitLab : rien n'a été fait."

# Who it is in Mattermost, what of GitLab is different, and what is said; nothing is done.
NO_REVIEWERS: dict[str, tuple[str, dict[str, Any], str]] = {
    "somebody without an account": ("dora", {}, NOT_YOURS),
    "whose name is somebody else's, as the site says": ("marc", {}, NOT_YOURS),
    "somebody who is no member": ("alice", {"roles": {}}, NO_ACCESS),
    "a guest": ("alice", {"roles": {"alice": GUEST}}, NO_ACCESS),
    "one that is over": (
        "alice",
        {"state": "merged"},
        "Cette merge request n'est plus ouverte : il n'y a plus rien à relire.",
    ),
}


@pytest.mark.parametrize("what", NO_REVIEWERS)
def test_who_may_not_is_no_reviewer(relay: Relay, chat: BotSink, gitlab: GitLab, what: str) -> None:
    name, changes, said = NO_REVIEWERS[what]
    introduce(chat, ALICE, name, "fr")
    root = root_of(relay, chat, OPEN)
    vars(gitlab).update(changes)
    assert press(relay, chat, root, "review").startswith(said)
    assert (gitlab.changed, shown(chat, root)) == ([], [])


ADDED = "👀 Vous êtes maintenant parmi les relecteurs dans GitLab"
# Who it is in Mattermost, what of GitLab is different, and what is said; the thread says it all the same.
REVIEWERS: dict[str, tuple[str, dict[str, Any], str]] = {
    "a reporter": ("alice", {"roles": {"alice": REPORTER}}, ADDED),
    "whom the site calls otherwise": ("zoe", {"roles": {"marc": REPORTER}}, ADDED),
    "of a public project": ("alice", {"public": True, "roles": {}}, ADDED),
    "the only one that there may be": ("alice", {"most_reviewers": 1}, ADDED),
    "where there may be one, who is there": (
        "alice",
        {"most_reviewers": 1, "reviewers": [4]},
        "👀 C'est dit dans le fil. Dans GitLab, rien ne change : il n'a pas pris de relecteur de plus.",
    ),
}


@pytest.mark.parametrize("what", REVIEWERS)
def test_who_may_read_it_reviews(relay: Relay, chat: BotSink, gitlab: GitLab, what: str) -> None:
    name, changes, said = REVIEWERS[what]
    introduce(chat, ALICE, name, "fr")
    root = root_of(relay, chat, OPEN)
    vars(gitlab).update(changes)
    assert press(relay, chat, root, "review").startswith(said)
    wait_for(lambda: shown(chat, root) == [SAID.replace("alice", name)])
    account = IDS["marc" if name == "zoe" else name]
    assert gitlab.reviewers == ([account] if said == ADDED else [4]), "nobody is replaced"


@pytest.mark.parametrize("action", ["review", "retry"])
def test_a_name_in_mattermost_is_no_proof(relay: Relay, chat: BotSink, gitlab: GitLab, action: str) -> None:
    """People may take another name there: that of a maintainer whom the site does not name lets nobody act."""
    gitlab.people["boss"], gitlab.roles["boss"] = 10, MAINTAINER
    introduce(chat, ALICE, "boss", "fr")
    root = root_of(relay, chat, OPEN, FAILED_OPEN)
    before = shown(chat, root)
    assert press(relay, chat, root, action).startswith(NOT_YOURS)
    assert (gitlab.changed, shown(chat, root)) == ([], before)


def test_a_token_that_may_set_no_reviewers_is_said(relay: Relay, chat: BotSink, gitlab: GitLab) -> None:
    """GitLab answers as if all were well then."""
    root = root_of(relay, chat, OPEN)
    gitlab.most_reviewers = 0
    assert press(relay, chat, root, "review").startswith(
        "⚠️ GitLab ne l'a pas fait (it has taken no reviewer)"
    )
    assert shown(chat, root) == []
    assert "set gitlab.write_token" in relay.text


@on_both_spools
def test_of_several_who_press_at_once_one_is_heard(relay: Relay, chat: BotSink, gitlab: GitLab) -> None:
    """There is a button as soon as it has failed."""
    root = root_of(relay, chat, OPEN)
    assert names(root) == ["Je relis", "Silence 1 h"]
    send(relay, FAILED_OPEN)
    wait_for(lambda: names(root) == ["Je relis", "Rejouer le pipeline", "Silence 1 h"])
    hold = threading.Event()
    gitlab.failures = [Failure("/pipelines/507$", 200, takes_effect=True, hold=hold)]
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(press, relay, chat, root, "retry")
        try:
            wait_for(lambda: any(each.endswith("/pipelines/507") for each in gitlab.asked))
            others = [pool.submit(press, relay, chat, root, "retry", who) for who in (BOB, ALICE)]
        finally:
            hold.set()
        assert first.result(20).startswith("🔁 Le pipeline #507 est relancé")
        assert {each.result(20) for each in others} == {
            "🔁 Le pipeline #507 est déjà relancé.",
            "🔁 Pipeline #507 runs again already.",
        }
    assert gitlab.changed == [RETRY.replace("503", "507")]


def test_each_failure_can_be_retried(relay: Relay, chat: BotSink, gitlab: GitLab) -> None:
    """The thread of a branch; it says who it was, each time."""
    root = root_of(relay, chat, FAILED)
    gitlab.ref = "main"
    assert names(root) == ["Rejouer le pipeline"]
    for turn in (1, 2):
        assert (
            press(relay, chat, root, "retry")
            == "🔁 Le pipeline #503 est relancé : ses jobs en échec sont rejoués."
        )
        assert press(relay, chat, root, "retry", BOB) == "🔁 Pipeline #503 runs again already."
        wait_for(lambda turn=turn: len(chat.replies(root)) == turn)  # type: ignore[misc]
        gitlab.status = "failed"
    assert gitlab.changed == [RETRY, RETRY]
    assert shown(chat, root)[0] == (
        f"🔁 alice rejoue le pipeline [#503](https://gitlab.example/{PROJECT}/-/pipelines/503)"
    )
    gitlab.status = "success"
    assert press(relay, chat, root, "retry") == "Le pipeline n'est pas en échec : il n'y a rien à rejouer."
    send(relay, changed("pipeline_failed", status="success", finished_at="2026-11-20 09:00:00 UTC"))
    wait_for(lambda: not buttons(root))


ROLE = "🔒 Il faut au moins le rôle Developer dans ce projet de GitLab : rien n'a été fait."
PROTECTED = "🔒 La branche ou le tag est protégé : il faut le rôle Maintainer"
DONE = "🔁 Le pipeline #503 est relancé"
# What of GitLab is different, and what is said: by the person's own role, whatever the token may.
MAY_RETRY: dict[str, tuple[dict[str, Any], str]] = {
    "a guest": ({"roles": {"alice": GUEST}}, ROLE),
    "a reporter": ({"roles": {"alice": REPORTER}}, ROLE),
    "no member of a public project": ({"public": True, "roles": {}}, ROLE),
    "a developer": ({}, DONE),
    "a developer on a protected branch": ({"protected": True}, PROTECTED),
    "a developer who may merge there": ({"protected": True, "developers_can_merge": True}, DONE),
    "a maintainer on a protected branch": ({"protected": True, "roles": {"alice": MAINTAINER}}, DONE),
    "a developer where the branch is gone": ({"protected": None}, PROTECTED),
    "a developer on a tag": ({"tag": True, "ref": "v1"}, DONE),
    "a developer on a protected tag": ({"tag": True, "ref": "v1", "protected": True}, PROTECTED),
    "a developer of a merge request's": ({"ref": "refs/merge-requests/8/head", "protected": None}, DONE),
}


@pytest.mark.parametrize("what", MAY_RETRY)
def test_who_may_retry(relay: Relay, chat: BotSink, gitlab: GitLab, what: str) -> None:
    changes, said = MAY_RETRY[what]
    root = root_of(relay, chat, FAILED)
    vars(gitlab).update(changes)
    assert press(relay, chat, root, "retry").startswith(said)
    assert gitlab.changed == ([RETRY] if said == DONE else [])


REFUSED = (
    "⚠️ GitLab ne l'a pas fait ({}). Réessayez plus tard ; si cela dure, le journal du relais en dit plus."
)
UNCONFIRMED = "⏳ GitLab n'a pas confirmé ({}) : on ne sait pas si c'est fait."
# What fails how, and what is said; then what comes of a second press once GitLab is back.
FAILURES: dict[str, tuple[Failure, str]] = {
    "the token is wrong": (Failure("GET users", 401), REFUSED.format("HTTP 401")),
    "the token does not see the project": (Failure("GET .*/members/", 403), ROLE),
    "the pipeline is gone": (Failure("GET .*/pipelines/", 404), REFUSED.format("HTTP 404")),
    "GitLab fails while it is read": (Failure("GET .*/pipelines/", 502), REFUSED.format("HTTP 502")),
    "the token may not": (Failure("POST", 403), REFUSED.format("HTTP 403")),
    "too many at once": (Failure("POST", 429), REFUSED.format("HTTP 429")),
    "GitLab fails over it": (Failure("POST", 500), UNCONFIRMED.format("HTTP 500")),
    "GitLab fails when it is done": (Failure("POST", 504, takes_effect=True), UNCONFIRMED.format("HTTP 504")),
    "the answer is lost": (Failure("POST", None, takes_effect=True), UNCONFIRMED.format("ConnectionError")),
}


@pytest.mark.parametrize("what", FAILURES)
def test_what_gitlab_does_not_do_is_said(relay: Relay, chat: BotSink, gitlab: GitLab, what: str) -> None:
    """In words that are true; and the second press comes to one retry, whatever became of the first."""
    failure, said = FAILURES[what]
    root = root_of(relay, chat, FAILED)
    gitlab.failures = [failure]
    assert press(relay, chat, root, "retry").startswith(said)
    assert shown(chat, root) == []
    gitlab.failures = []
    second = "🔁 Le pipeline #503 est déjà relancé." if failure.takes_effect else DONE
    assert press(relay, chat, root, "retry").startswith(second)
    assert gitlab.retried == 1


@pytest.mark.parametrize(
    ("action", "change", "said"),
    [("review", "PUT", ADDED), ("retry", "POST", DONE.replace("503", "507"))],
)
def test_a_mattermost_that_goes_away_meanwhile_makes_nothing_untrue(
    relay: Relay, chat: BotSink, gitlab: GitLab, action: str, change: str, said: str
) -> None:
    """What is done is not called undone, and the thread says it once the server is back."""
    root = root_of(relay, chat, OPEN, FAILED_OPEN)
    hold, before = threading.Event(), len(chat.replies(root))
    gitlab.failures = [Failure(change, 200, takes_effect=True, hold=hold)]
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(press, relay, chat, root, action)
        try:
            wait_for(lambda: any(each.startswith(change) for each in gitlab.asked))
            chat.healthy = False
        finally:
            hold.set()
        assert first.result(20).startswith(said)
    chat.healthy = True
    wait_for(lambda: len(chat.replies(root)) == before + 1)


@pytest.mark.parametrize("action", ["review", "retry"])
def test_a_gitlab_that_is_away_is_said(relay: Relay, chat: BotSink, gitlab: GitLab, action: str) -> None:
    root = root_of(relay, chat, OPEN, FAILED_OPEN)
    before = shown(chat, root)
    gitlab.close()
    assert press(relay, chat, root, action).startswith("⚠️ GitLab ne l'a pas fait (Connection refused)")
    assert shown(chat, root) == before


def test_a_gitlab_that_does_not_answer_holds_nobody_up(relay: Relay, chat: BotSink, gitlab: GitLab) -> None:
    """Whoever has pressed hears of it before Mattermost gives up; events and other buttons go on."""
    root = root_of(relay, chat, OPEN)
    hold = threading.Event()
    gitlab.failures = [Failure("GET users", 200, hold=hold)]
    try:
        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(press, relay, chat, root, "review", who) for who in (ALICE, BOB, ALICE)]
            wait_for(lambda: gitlab.asked)
            assert press(relay, chat, root, "mute").startswith("🔒 Réservé à ceux qui administrent")
            assert send(relay, FAILED_OPEN).status_code == 200
            said = [each.result(28) for each in waiting]
    finally:
        hold.set()
    known = (
        "⚠️ GitLab ne l'a pas fait (no answer in time)",
        "⚠️ GitLab did not do it (no answer in time)",
        "⏳",
    )
    assert all(each.startswith(known) for each in said), said
    assert gitlab.changed == []


def test_the_command_does_the_same_in_a_thread(relay: Relay, chat: BotSink, gitlab: GitLab) -> None:
    root = root_of(relay, chat, OPEN, FAILED_OPEN)
    assert ask(relay, "retry", root_id=root.id).startswith("🔁 Le pipeline #507 est relancé")
    assert ask(relay, "review", root_id=root.id).startswith("👀 Vous êtes maintenant parmi les relecteurs")
    assert ask(relay, "retry") == (
        "Ce fil n'est pas celui d'un pipeline ni d'une merge request : il n'y a rien à rejouer."
    )
    assert len(gitlab.changed) == 2


def test_without_a_token_nothing_is_retried(bot: Callable[..., Relay], chat: BotSink) -> None:
    relay = bot(commands=SETTING)
    relay.start()
    root = root_of(relay, chat, FAILED)
    assert buttons(root) == {}
    assert ask(relay, "retry", root_id=root.id) == (
        "Il faudrait agir dans GitLab, ce que ce site ne permet pas (`gitlab.write_token`)."
    )


TABLE = '[commands.gitlab]\nurl = "http://git.example.invalid"\n'


@pytest.mark.parametrize(
    ("table", "token", "said"),
    [
        ("", "glpat-x", "the settings have no [commands.gitlab]: add url, or remove the credential"),
        (
            TABLE,
            None,
            "is missing while the settings have [commands.gitlab]: write a token with the scope api",
        ),
        (TABLE, "", "gitlab-write-token is empty: write a token into it"),
        (TABLE, "glpat x", "gitlab-write-token is not a token (value not shown): correct it"),
        (TABLE.replace("http://", ""), "glpat-x", "[commands] gitlab.url = 'git.example.invalid'"),
    ],
)
def test_half_a_setting_is_refused(
    bot: Callable[..., Relay], tmp_path: Path, table: str, token: str | None, said: str
) -> None:
    relay = bot(commands=f"{SETTING}\n{table}")
    if token is not None:
        gitlab_acting.hand_token(tmp_path, token)
    relay.start(wait=False)
    assert relay.wait() == 78
    assert said in relay.text
    assert "glpat" not in relay.text
