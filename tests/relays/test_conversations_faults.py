"""What fails while a bot posts and edits, and what has to be there in the end: all of it, once, in order."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

from tests.relays.bot_sink import BotSink, Call
from tests.relays.conversations import Said, Speaker, judge, write
from tests.relays.process import wait_for
from tests.relays.sink import DROPPED, OK, Reply

NAMES = ("a!1", "b!2", "c!3")


def rounds(*numbers: int) -> list[Said]:
    """What each of the conversations has to say in these rounds; the first round only makes the roots."""
    return [
        Said(f"{name}-{n}", f"{name} says {n}" if n else None, f"state {n} of {name}", name)
        for n in numbers
        for name in NAMES
    ]


@dataclass
class World:
    """A Mattermost, a relay, and what happens to the requests that a fault is about."""

    sink: BotSink
    speaker: Speaker
    met: list[Call] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def fail(self, reply: Reply, about: Callable[[Call], bool], times: int = 1) -> None:
        """Answer so many of these requests like this, each but once."""
        seen: set[tuple[str, str]] = set()

        def behave(call: Call) -> Reply:
            if len(self.met) < times and about(call) and (call.kind, call.keys[0]) not in seen:
                seen.add((call.kind, call.keys[0]))
                self.met.append(call)
                return reply
            return OK

        self.sink.behave = behave

    def restart(self) -> None:
        """The relay is killed and started again."""
        self.speaker.kill()
        self.over.set()
        self.speaker.start()


def a_root(call: Call) -> bool:
    return call.kind == "post" and not call.root_id


def a_reply(call: Call) -> bool:
    return call.kind == "post" and bool(call.root_id)


def an_edit(call: Call) -> bool:
    return call.kind == "patch"


KINDS = {"root": a_root, "reply": a_reply, "edit": an_edit}
ANSWERS = {
    "taken, and the connection is lost": Reply(drop=True, post=True),
    "not taken, and the connection is lost": DROPPED,
    "taken, and 500": Reply(500, b"{}", post=True),
    "502": Reply(502, b"<html>"),
    "503": Reply(503, b""),
    "another of the same is under way": Reply(500, b'{"id":"api.post.deduplicate_create_post.pending"}'),
    "429": Reply(429, b"limit exceeded\n", {"Retry-After": "0"}),
    "201 of somebody else": Reply(201, b"<html>"),
}
_KILLED = [
    (
        f"{kind}: killed over it, {'taken' if taken else 'not taken'}{', Mattermost starts again' * restarts}",
        kind,
        taken,
        restarts,
    )
    for kind in KINDS
    for taken in (True, False)
    for restarts in (False, True)
]


def begin(speaker: Speaker, sink: BotSink, news: Path, *numbers: int) -> World:
    """A relay that has said these rounds."""
    speaker.start()
    write(news, rounds(*numbers))
    wait_for(lambda: speaker.settled(len(numbers) * len(NAMES)))
    return World(sink, speaker)


def ends_well(world: World, said: list[Said], before: int = 0) -> None:
    """All of it is there, once, in order, and the roots show the end; what was said before counts no more."""
    wait_for(lambda: world.speaker.settled(before + len(said)), 60)
    verdict = judge(world.sink, said)
    assert verdict.holds, verdict
    assert world.speaker.parked() == 0


@pytest.mark.sampled(6)
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path, kind: str, answer: str
) -> None:
    first = 0 if kind == "root" else 2
    world = begin(speaker_with(), mattermost, news, *range(first))
    world.fail(ANSWERS[answer], KINDS[kind], times=3)
    write(news, rounds(*range(first, 6)))
    wait_for(lambda: len(world.met) == 3)
    ends_well(world, rounds(*range(6)))


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("kind", "taken", "restarts"), [row[1:] for row in _KILLED], ids=[row[0] for row in _KILLED]
)
def test_a_kill(
    speaker_with: Callable[..., Speaker],
    mattermost: BotSink,
    news: Path,
    kind: str,
    taken: bool,
    restarts: bool,
) -> None:
    first = 0 if kind == "root" else 2
    world = begin(speaker_with(), mattermost, news, *range(first))
    world.fail(Reply(drop=True, post=taken, hold=world.over), KINDS[kind])
    write(news, rounds(*range(first, 6)))
    wait_for(lambda: len(world.met) == 1)
    if restarts:
        mattermost.forget_pending()
    world.restart()
    ends_well(world, rounds(*range(6)))


STATUS = {
    "HTTP 404: the bot finds no such channel": "the bot does not find this channel (HTTP 404)",
    "HTTP 403: the bot may not post there": "the bot may not write there (HTTP 403)",
    "HTTP 401: Mattermost does not take the bot's token": "Mattermost does not take the bot's token (HTTP 401)",
}
"""What the status says of it."""
STATUS_OF = {reason[:8]: said for reason, said in STATUS.items()}


def archived(sink: BotSink) -> None:
    sink.archived.add("dev")


def not_a_member(sink: BotSink) -> None:
    sink.forbidden.add("dev")


def token_revoked(sink: BotSink) -> None:
    sink.token = "another"


def database_down(sink: BotSink) -> None:
    sink.healthy = False


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (archived, "HTTP 404: the bot finds no such channel"),
        (not_a_member, "HTTP 403: the bot may not post there"),
        (token_revoked, "HTTP 401: Mattermost does not take the bot's token"),
        (database_down, "unavailable"),
        (BotSink.stop, "Connection refused"),
    ],
)
@pytest.mark.parametrize("first", [0, 2], ids=["before the roots", "with roots"])
def test_what_lasts_is_waited_for(
    speaker_with: Callable[..., Speaker],
    mattermost: BotSink,
    news: Path,
    break_it: Callable[[BotSink], None],
    said: str,
    first: int,
) -> None:
    """It is told of once, and nothing is dropped or put aside however final it sounds."""
    world = begin(speaker_with(), mattermost, news, *range(first))
    token = mattermost.token
    break_it(mattermost)
    write(news, rounds(*range(first, 6)))
    wait_for(lambda: said in world.speaker.text)
    assert world.speaker.waiting() > 0
    if said not in STATUS:
        wait_for(lambda: any("tried again by itself" in each for each in world.speaker.notified))
    else:
        wait_for(lambda: any(f"dev held up, {STATUS[said]}" in each for each in world.speaker.notified))
    mattermost.archived.clear()
    mattermost.forbidden.clear()
    mattermost.token, mattermost.healthy = token, True
    if break_it is BotSink.stop:
        mattermost.start()
    # So that no delay has to be waited for.
    world.restart()
    ends_well(world, rounds(*range(6)))


@pytest.mark.parametrize("killed", [False, True], ids=["", "killed over it"])
def test_a_root_that_people_delete_is_posted_again(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path, killed: bool
) -> None:
    """With the state as it is then, and the conversation goes on there. Its replies were deleted with it."""
    world = begin(speaker_with(), mattermost, news, 0, 1)
    before = mattermost.roots("dev")
    for root in before:
        mattermost.delete(root)
    if killed:
        world.fail(Reply(drop=True, post=True, hold=world.over), a_root)
    write(news, rounds(2))
    if killed:
        wait_for(lambda: len(world.met) == 1)
        world.restart()
    wait_for(lambda: world.speaker.settled(9))
    write(news, rounds(3))
    ends_well(world, rounds(2, 3), before=6)
    assert not {root.id for root in before} & {root.id for root in mattermost.roots("dev")}


def test_a_root_that_is_deleted_before_an_edit_is_posted_again(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path
) -> None:
    world = begin(speaker_with(), mattermost, news, 0, 1)
    for root in mattermost.roots("dev"):
        mattermost.delete(root)
    changes = [Said(f"{name}-label", None, f"labelled of {name}", name) for name in NAMES]
    write(news, changes)
    ends_well(world, changes, before=6)


def test_a_channel_that_is_made_again_gets_new_roots(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path
) -> None:
    world = begin(speaker_with(), mattermost, news, 0, 1)
    mattermost.recreate("dev")
    write(news, rounds(2, 3))
    ends_well(world, rounds(2, 3), before=6)


def test_where_edits_are_over_the_state_is_said_in_a_reply(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path
) -> None:
    """Of the text: what is in the box can be edited for ever."""
    speaker = speaker_with()
    speaker.start()
    write(news, [Said("e-0", None, "open", written="Title")])
    wait_for(lambda: speaker.settled(1))
    mattermost.editable = False
    write(news, [Said("e-1", None, "green", written="Title")])
    wait_for(lambda: speaker.settled(2))
    (root,) = mattermost.roots("dev")
    assert (root.shown, mattermost.replies(root)) == ("Title | green", [])
    # Its answer is lost as well.
    world = World(mattermost, speaker)
    world.fail(Reply(drop=True, post=True), a_reply)
    write(news, [Said("e-2", None, "merged", written="New title")])
    wait_for(lambda: speaker.settled(3))
    assert root.shown == "Title | merged"
    assert [reply.shown for reply in mattermost.replies(root)] == ["New title | merged"]
    assert len(world.met) == 1


def test_what_is_too_long_says_less_or_is_put_aside(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path
) -> None:
    """A root shows its one line then, a message waits for an operator; neither holds anybody up."""
    world = begin(speaker_with(), mattermost, news, 0, 1)
    long = "x" * 16_384
    mattermost.behave = lambda call: (
        Reply(400, b'{"id":"model.post.is_valid.props.app_error"}')
        if an_edit(call) and "attachments" in call.body["props"]
        else OK
    )
    write(news, [Said("long-0", long, f"state 2 of {NAMES[0]}", NAMES[0]), *rounds(3)])
    wait_for(lambda: world.speaker.settled(10))
    assert world.speaker.parked() == 1
    verdict = judge(mattermost, rounds(0, 1, 3))
    assert verdict.holds, verdict
    assert not [root for root in mattermost.roots("dev") if "attachments" in root.props]


def over(call: Call) -> Reply:
    """No edit is allowed any more, not even of the box."""
    body = b'{"id":"api.post.update_post.permissions_time_limit.app_error"}'
    return Reply(400, body) if an_edit(call) else OK


@pytest.mark.parametrize(
    ("written", "said"),
    [("New title", "New title | merged"), ("x" * 16_384, "merged")],
    ids=["", "what is too long in one line"],
)
@pytest.mark.parametrize("behave", [None, over], ids=["of the text", "of all of it"])
def test_where_edits_are_over_what_is_said_instead_is_said_once(
    speaker_with: Callable[..., Speaker],
    mattermost: BotSink,
    news: Path,
    behave: Callable[[Call], Reply] | None,
    written: str,
    said: str,
) -> None:
    speaker = speaker_with()
    speaker.start()
    write(news, [Said("e-0", None, "open", written="Title")])
    wait_for(lambda: speaker.settled(1))
    mattermost.editable = False
    if behave:
        mattermost.behave = behave
    write(news, [Said("e-1", None, "merged", written=written)])
    wait_for(lambda: speaker.settled(2))
    (root,) = mattermost.roots("dev")
    assert root.shown == ("Title | open" if behave else "Title | merged")
    assert [reply.shown for reply in mattermost.replies(root)] == [said]
    assert "failed thread" not in speaker.text


@pytest.mark.parametrize(
    ("break_it", "status"), [(not_a_member, "HTTP 403"), (token_revoked, "HTTP 401")], ids=["403", "401"]
)
def test_what_keeps_roots_from_being_edited_is_said_too(
    speaker_with: Callable[..., Speaker],
    mattermost: BotSink,
    news: Path,
    break_it: Callable[[BotSink], None],
    status: str,
) -> None:
    """Although nothing else waits: somebody has to do something, or the roots show what was."""
    world = begin(speaker_with(), mattermost, news, 0, 1)
    token = mattermost.token
    break_it(mattermost)
    write(news, [Said(f"{NAMES[0]}-label", None, "labelled", NAMES[0])])
    wait_for(lambda: any(f"dev held up, {STATUS_OF[status]}" in each for each in world.speaker.notified))
    assert world.speaker.count("outbox WHERE state = 'ready'") == 0
    mattermost.token = token
    mattermost.forbidden.clear()
    world.restart()
    wait_for(lambda: world.speaker.settled(7))
    wait_for(lambda: "held up" not in world.speaker.notified[-1])


def test_a_root_that_is_taken_in_no_form_is_left_as_it_is(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path
) -> None:
    """An edit, and after it the root that would take the place of one that is gone: no retry comes to anything."""
    world = begin(speaker_with(), mattermost, news, 0, 1)
    refused = Reply(400, b'{"id":"model.post.is_valid.props.app_error"}')
    mattermost.behave = lambda call: OK if a_reply(call) else refused
    write(news, [Said(f"{NAMES[0]}-label", None, "labelled", NAMES[0])])
    wait_for(lambda: world.speaker.settled(len(rounds(0, 1)) + 1))
    assert world.speaker.count("conversation WHERE due_at IS NOT NULL") == 0
    assert "it stays" in world.speaker.text
