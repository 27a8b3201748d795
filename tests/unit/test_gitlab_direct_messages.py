"""Who is told what in person, and who they are in Mattermost."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from relays.mattermost.directory import NoAnswerError
from relays.sources.gitlab.conversations.direct_messages import LONGEST_SECONDS
from relays.sources.gitlab.conversations.facts import own_wish
from relays.sources.gitlab.conversations.identities import Identities
from relays.sources.gitlab.conversations.table import Conversations
from relays.sources.gitlab.routing import Route
from relays.sources.gitlab.timestamps import moment
from tests.postgresql import on_both_spools
from tests.unit.acts_world import HEAD, Payload, comment
from tests.unit.conversation_events import (
    ALEX,
    CAMILLE,
    LEO,
    OPEN,
    by,
    change,
    issue,
    main,
    on_issue,
    person,
    pipeline,
)
from tests.unit.conversations_world import Make, Somebody
from tests.unit.test_relays_messages import load

USERS = {"cmorel": "", "lperrin": "", "arichard": "", "zoe": ""}
NOBODY: list[dict[str, Any]] = []
PUBLIC = 20


def changed(role: str, user: tuple[str, str]) -> Payload:
    """The update by which somebody got a role."""
    users = [person(*user)]
    return change("update", 1, HEAD) | {role: users, "changes": {role: {"previous": [], "current": users}}}


def said(text: str, who: tuple[str, str] = LEO, visibility: int = 0) -> Payload:
    """A comment on the merge request."""
    payload = by(comment(sum(text.encode()), text), *who)
    payload["project"] = payload["project"] | {"visibility_level": visibility}
    return payload


def asked_again(*users: tuple[str, str]) -> Payload:
    states = [[person(*user, re_requested=again) for user in users] for again in (False, True)]
    return change("update", 3, HEAD) | {"changes": {"reviewers": states}}


def objecting(user: tuple[str, str]) -> Payload:
    """The update by which a reviewer requests changes: of people nothing changes, but of how one stands."""
    states = [[person(*user, state=state)] for state in ("unreviewed", "requested_changes")]
    return by(change("update", 3, HEAD), *user) | {"reviewers": states[1], "changes": {"reviewers": states}}


OPENED = by(OPEN, *CAMILLE)
ALONE = OPENED | {"assignees": NOBODY, "reviewers": NOBODY}
# What is heard before, the event, and who is told of it by what sign.
THINGS: dict[str, tuple[list[Payload], Payload, dict[str, str]]] = {
    "a new merge request": ([], OPENED, {"lperrin": "👀", "arichard": "👀"}),
    "one that is somebody else's": (
        [],
        by(ALONE, *LEO) | {"assignees": [person(*CAMILLE)]},
        {"cmorel": "📌"},
    ),
    "an assignment": (
        [ALONE],
        by(changed("assignees", ALEX), *LEO),
        {"arichard": "📌"},
    ),
    "one to oneself": ([ALONE], by(changed("assignees", LEO), *LEO), {}),
    "an issue for somebody": ([], issue("open", 0) | {"assignees": [person("zoe")]}, {"zoe": "📌"}),
    "a review": (
        [ALONE],
        by(changed("reviewers", ALEX), *CAMILLE),
        {"arichard": "👀"},
    ),
    "a review once more": ([OPENED], by(asked_again(LEO), *CAMILLE), {"lperrin": "👀"}),
    "changes requested": ([OPENED], objecting(LEO), {"cmorel": "✋"}),
    "changes requested before": ([OPENED, objecting(LEO)], by(objecting(LEO), *CAMILLE), {}),
    "an approval": ([OPENED], by(change("approved", 2, HEAD), *LEO), {"cmorel": "👍"}),
    "a merge": ([OPENED], by(change("merge", 2, HEAD, state="merged"), *LEO), {"cmorel": "🟣"}),
    "one's own merge": ([OPENED], by(change("merge", 2, HEAD, state="merged"), *CAMILLE), {}),
    "a broken pipeline": ([OPENED], pipeline("failed", 7), {"cmorel": "❌"}),
    "one that still fails": ([OPENED, pipeline("failed", 7)], pipeline("failed", 8), {}),
    "a fixed one": ([OPENED, pipeline("failed", 7)], pipeline("success", 8), {"cmorel": "✅"}),
    "a branch without a merge request": ([main("success", 6)], main("failed", 7), {"cmorel": "❌"}),
    "a mention": ([OPENED], said("Voir @arichard."), {"arichard": "💬"}),
    "twice the same": ([OPENED], said("@arichard, @ARichard !"), {"arichard": "💬"}),
    "a mention of oneself": ([OPENED], said("Moi, @lperrin"), {}),
    "one in code": ([OPENED], said("`@arichard` et\n```\n@arichard\n```"), {}),
    "one of a group": ([OPENED], said("@arichard/team @team/arichard x@arichard"), {}),
    "somebody who may not read it": ([OPENED], said("@zoe"), {}),
    "somebody who may": ([OPENED], said("@zoe", visibility=PUBLIC), {"zoe": "💬"}),
    "a bot": (
        [ALONE],
        by(changed("assignees", ("project_7_bot", "")), *LEO),
        {},
    ),
    "nobody in Mattermost": (
        [ALONE],
        by(changed("assignees", ("eve", "")), *LEO),
        {},
    ),
    "labels": ([OPENED], by(change("update", 1, HEAD), *LEO), {}),
    "what is muted": ([OPENED], by(said("@arichard"), "project_7_bot"), {}),
}


@pytest.mark.parametrize("name", THINGS)
def test_whoever_has_to_know_is_told_in_person(converse: Make, name: str) -> None:
    before, event, told = THINGS[name]
    relay = converse(directory=Somebody(USERS))
    relay.live(*([payload] for payload in before))
    known = len(relay.chat.notifications)
    relay.live([event])
    direct = [each for each in relay.chat.notifications[known:] if each.channel.startswith("@")]
    for each in direct:
        assert each.message
        print(each.channel, each.message.text)
    assert {each.channel[1:]: str(each.message.text).split(" ")[0] for each in direct if each.message} == told
    assert len(direct) == len(told)


WISHED = moment("2026-11-20T08:00:00Z")


@pytest.mark.parametrize(("later", "told"), [(0, ["@arichard"]), (3600, ["@arichard", "@lperrin"])])
def test_who_has_asked_for_it_in_the_chat_is_not_asked(converse: Make, later: int, told: list[str]) -> None:
    """Whosever the token is that enters them. Others are, and the same person later, by somebody else."""
    relay = converse(directory=Somebody(USERS))
    relay.live([ALONE])
    conversations = Conversations(relay.relay.store)
    wish = own_wish("lperrin", WISHED)
    name = f"{ALONE['project']['path_with_namespace']}!{ALONE['object_attributes']['iid']}"
    relay.relay.store.submit(lambda db: conversations.note(db, name, wish)).result()
    users = [person(*LEO), person(*ALEX)]
    event = by(change("update", 1, HEAD), *CAMILLE)
    event |= {"reviewers": users, "changes": {"reviewers": {"previous": [], "current": users}}}
    at = datetime.fromtimestamp(WISHED + later, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    event["object_attributes"] = event["object_attributes"] | {"updated_at": at}
    assert relay.live([event]).people() == told


def test_a_review_tells_each_person_once(converse: Make) -> None:
    relay = converse(directory=Somebody(USERS))
    chat = relay.live([OPENED], [said(f"{number} : @arichard") for number in range(3)])
    assert [message.message.summary[0] for message in chat.posts("@arichard")] == ["👀", "💬"]


@on_both_spools
def test_what_a_kill_interrupts_is_said_once(converse: Make) -> None:
    directory = Somebody(USERS, answers=False)
    relay = converse(directory=directory)
    chat = relay.hear(OPENED, keys=["open"])
    # It is stored, and the channel has it, whether Mattermost says who that is or not.
    assert chat.people() == []
    assert len(chat.posts()) == 1
    chat = relay.hear(OPENED, keys=["open"])
    directory.answers = True
    assert relay.chat.people() == ["@arichard", "@lperrin"]
    assert len([each for each in relay.chat.notifications if each.channel == "@lperrin"]) == 1
    assert relay.relay.store.read("SELECT * FROM direct_messages") == []


def test_whoever_cannot_be_found_for_long_is_given_up(converse: Make) -> None:
    relay = converse(directory=Somebody(USERS, answers=False))
    relay.hear(OPENED)
    relay.relay.let_time_pass(LONGEST_SECONDS)
    assert relay.chat.people() == []
    assert relay.relay.store.read("SELECT * FROM direct_messages") == []


def test_of_a_comment_that_names_hundreds_a_few_are_looked_for(converse: Make) -> None:
    directory = Somebody({f"u{number}": "" for number in range(300)})
    relay = converse(directory=directory)
    text = " ".join(f"@u{number}" for number in range(300))
    chat = relay.live([OPENED], [said(text, visibility=PUBLIC)])
    assert len([name for name in chat.people() if name.startswith("@u")]) == 20
    assert len({name for name in directory.asked if name.startswith("u")}) == 20


def test_while_many_are_looked_for_the_watchdog_hears_of_each_and_nobody_waits_for_all(
    converse: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Mattermost that takes its time is asked one question after the other."""
    directory = Somebody(USERS)
    relay = converse(directory=directory)
    messenger = relay.messenger
    assert messenger
    for number in range(100):
        relay.identities.known(f"u{number}")
    asked_at_beats: list[int] = []
    monkeypatch.setattr(messenger, "beat", lambda: asked_at_beats.append(len(directory.asked)))
    messenger.turn()
    assert asked_at_beats == sorted({*asked_at_beats, *range(len(directory.asked))})
    assert 0 < len(directory.asked) <= 20
    relay.hear(OPENED)
    assert {"@lperrin", "@arichard"} <= {*relay.chat.people()}
    for _ in range(10):
        messenger.turn()
    assert {f"u{number}" for number in range(100)} <= {*directory.asked}


def test_without_direct_messages_the_channel_mentions_whom_the_site_names(converse: Make) -> None:
    relay = converse(direct=False, people={"lperrin": "leo"})
    (post,) = relay.hear(OPENED).posts()
    assert [reply.text for reply in post.replies] == [
        "**Camille Morel** a ouvert une merge request\n👀 Relecture demandée à @leo"
    ]


def test_a_confidential_issue_is_for_those_who_have_to_do_with_it(converse: Make) -> None:
    relay = converse(
        Route(("secret",), confidential=True, conversations="threads"), directory=Somebody(USERS)
    )
    secret = load("issue_confidential_open") | {"assignees": [person("zoe")]}
    secret["object_attributes"]["iid"] = 14
    secret["project"] = secret["project"] | {"visibility_level": PUBLIC}
    note = by(on_issue("@arichard @zoe", internal=True), *LEO)
    note["project"] = secret["project"]
    chat = relay.live([secret], [note])
    assert chat.people() == ["@zoe"]


def test_nobody_hears_in_person_of_what_the_site_announces_nowhere(converse: Make) -> None:
    relay = converse(Route((), events=("merge_request",)), directory=Somebody(USERS))
    assert relay.hear(OPENED, load("issue_confidential_open")).people() == []


class TestMentionsInThreads:
    """A comment mentions in its thread exactly whom it mentions in GitLab, as far as they are known."""

    @pytest.mark.parametrize(
        ("text", "mentioned"),
        [
            ("@lperrin", ["leo"]),
            ("Bonjour **@LPerrin**, et (@arichard).", ["leo", "alex"]),
            ("@lperrin@arichard", []),
            ("`@lperrin` [@lperrin](https://git.taaf.internal) https://x.example/@lperrin", []),
            ("@lperrin.x @lperrin-x x@lperrin @lperrin/x", []),
            ("@all @here @channel @unknown", []),
            ("> @lperrin\n\n- @arichard", ["leo", "alex"]),
        ],
    )
    def test_by_the_names_that_the_site_gives(self, converse: Make, text: str, mentioned: list[str]) -> None:
        relay = converse(people={"lperrin": "leo", "arichard": "alex"})
        chat = relay.live([OPENED], [by(comment(1, text), *CAMILLE)])
        shown = str(chat.posts()[0].replies[-1].payload()["text"])
        assert re.findall(r"@([a-z]\S*?)(?=\u200b)", shown) == mentioned
        assert len(re.findall(r"@(?!\u200b)", re.sub(r"`[^`]*`|\]\(.*?\)", "", shown))) == len(mentioned)

    def test_whoever_has_been_found_before(self, converse: Make) -> None:
        relay = converse(directory=Somebody(USERS))
        relay.live([OPENED], [said("@arichard")])
        chat = relay.live([said("@arichard ?")])
        assert "@arichard\u200b" in str(chat.posts()[0].replies[-1].text)

    def test_whoever_is_found_while_it_waits_for_the_rest_of_its_review(self, converse: Make) -> None:
        relay = converse(directory=Somebody(USERS))
        relay.hear(ALONE)
        stop = relay.relay.start()
        relay.relay.put(said("@zoe"))
        assert relay.chat.posts()[0].replies == []  # held back; meanwhile it is asked who that is
        stop()
        assert "@zoe\u200b" in str(relay.chat.posts()[0].replies[-1].text)


# The users of Mattermost, who is asked for with which address, and who that is.
@pytest.mark.parametrize(
    ("members", "user", "email", "found"),
    [
        ({"leo": "", "x": ""}, "lperrin", "", "leo"),  # as the site says
        ({"camille": "c@taaf.internal", "cmorel": ""}, "cmorel", "c@taaf.internal", "camille"),
        ({"cmorel": ""}, "cmorel", "c@taaf.internal", "cmorel"),
        ({"cmorel": "C@taaf.internal"}, "CMorel", "c@TAAF.internal", "cmorel"),
        ({"cmorel": "other@taaf.internal"}, "cmorel", "c@taaf.internal", None),
        ({"cmorel": "other@taaf.internal"}, "cmorel", "[REDACTED]", "cmorel"),
        ({}, "cmorel", "c@taaf.internal", None),
        # Whom the site calls leo is somebody else.
        ({"leo": ""}, "leo", "", None),
        ({"all": ""}, "all", "", None),
        ({"x": ""}, "no name of Mattermost", "", None),
    ],
)
def test_who_is_who(members: dict[str, str], user: str, email: str, found: str | None) -> None:
    identities = Identities({"lperrin": "leo"}, Somebody(members))  # type: ignore[arg-type]
    assert identities.find(user, email) == found
    assert identities.known(user) == found
    assert identities.missing() == ([] if found else [user.lower()])


def test_one_account_is_one_persons() -> None:
    identities = Identities({}, Somebody({"camille": "c@taaf.internal"}))  # type: ignore[arg-type]
    assert identities.find("camille") == "camille"
    # By the address: the one before bore the name by chance.
    assert identities.find("cmorel", "c@taaf.internal") == "camille"
    assert identities.known("camille") is None
    assert identities.find("cmorel2", "c@taaf.internal") is None


def test_who_is_found_is_not_asked_for_again_and_who_is_not_is_after_a_while() -> None:
    now = [0.0]
    directory = Somebody({"leo": ""})
    identities = Identities({}, directory, lambda: now[0])  # type: ignore[arg-type]
    for _ in range(3):
        assert identities.find("leo") == "leo"
        assert identities.find("eve") is None
    assert directory.asked == ["leo", "eve"]
    directory.members = {"leo": "", "eve": ""}
    now[0] = 700.0
    assert identities.find("eve") == "eve"
    assert directory.asked == ["leo", "eve", "eve"]
    assert identities.missing() == []


def test_whoever_is_wanted_is_looked_for_later() -> None:
    directory = Somebody({"leo": ""}, answers=False)
    identities = Identities({}, directory)  # type: ignore[arg-type]
    assert identities.known("leo") is None
    assert directory.asked == []
    with pytest.raises(NoAnswerError):
        identities.look()
    directory.answers = True
    identities.look()
    assert identities.known("leo") == "leo"
    # A word with an @ before it is nobody who would have to be told anything.
    assert identities.known("override") is None
    identities.look()
    assert identities.missing() == []
    identities.find("override")
    assert identities.missing() == ["override"]
