"""Many conversations in a channel that is behind: one digest of the channel, and what fails around it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from relays.delivery.leases import AT_ONCE, MOST_THREADS
from tests.postgresql import on_both_spools
from tests.relays.bot_sink import BotSink, Call
from tests.relays.conversations import Said, Speaker, judge, write
from tests.relays.process import wait_for
from tests.relays.sink import OK, Reply
from tests.relays.test_conversations_faults import ANSWERS, KINDS, World, a_root

FEW = [f"c!{number}" for number in range(30)]
MANY = [f"c!{number}" for number in range(2 * MOST_THREADS)]


def news_of(names: list[str], number: int) -> list[Said]:
    """A round of news; the first only makes the roots."""
    return [
        Said(
            f"{name}-{number}", f"{name} says {number}" if number else None, f"state {number} of {name}", name
        )
        for name in names
    ]


def a_digest(call: Call) -> bool:
    return not call.root_id and "passerelle_keys" in call.body["props"]


def gather(world: World, news: Path, said: list[Said]) -> None:
    """Have the relay take them while Mattermost is away."""
    before = world.speaker.count("outbox")
    world.sink.stop()
    write(news, said)
    wait_for(lambda: world.speaker.count("outbox") == before + len(said))
    wait_for(lambda: "unavailable" in world.speaker.text)


def ends_well(world: World, said: list[Said], beside: int = 0) -> None:
    """All of it is there, once, in order, and each root that is there shows the end; `beside` others are there too."""
    wait_for(lambda: world.speaker.settled(len(said) + beside), 60)
    verdict = judge(world.sink, said)
    assert verdict.holds, verdict
    assert world.speaker.parked() == 0


def begun(speaker: Speaker, sink: BotSink, news: Path) -> tuple[World, list[Said]]:
    """A relay that has posted the roots of a few conversations."""
    said = news_of(FEW, 0)
    speaker.start()
    write(news, said)
    wait_for(lambda: speaker.settled(len(said)))
    return World(sink, speaker), said


@on_both_spools
def test_a_channel_gets_digests_instead_of_a_flood(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path
) -> None:
    """Roots that are there show how things stand by then; the others are posted with what comes next."""
    world, said = begun(speaker_with(""), mattermost, news)
    plain = [Said(f"p-{number}", f"plain {number}", None, "") for number in range(10)]
    flood = [*news_of(MANY, 0)[len(FEW) :], *news_of(MANY, 1)]
    gather(world, news, [*flood, *plain])
    mattermost.start()
    ends_well(world, [*said, *flood], len(plain))
    posts = mattermost.roots("dev")
    digests = [post for post in posts if post.is_digest]
    # What has no root yet, the news of all, and the others.
    lines = len(MANY) - len(FEW) + len(MANY) + len(plain)
    assert [len(post.keys) for post in digests] == [50, 50, lines - 100]
    assert [post.shown for post in posts if post not in digests] == [f"state 1 of {name}" for name in FEW]
    assert not [post for root in posts for post in mattermost.replies(root)]
    heading, _, first, second, *_ = digests[-1].shown.split("\n")
    assert heading.startswith(f"📚 **{lines - 100} notifications** ")
    assert first.startswith("- state 1 of ")
    assert second.endswith(f"{first.removeprefix('- state 1 of ')} says 1")
    after = news_of(MANY[20:40], 2)
    for number, each in enumerate(after, start=len(said) + len(flood) + len(plain) + 1):
        write(news, [each])
        wait_for(lambda number=number: world.speaker.settled(number))  # type: ignore[misc]
    roots = [post for post in mattermost.roots("dev") if post.shown.startswith("state 2 of ")]
    assert [[post.shown for post in mattermost.replies(root)] for root in roots] == [[s.says] for s in after]
    ends_well(world, [*said, *flood, *after], len(plain))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_to_a_digest(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path, answer: str
) -> None:
    world, said = begun(speaker_with(""), mattermost, news)
    flood = [*news_of(MANY, 1), *news_of(MANY, 2)]
    gather(world, news, flood)
    world.fail(ANSWERS[answer], a_digest, times=2)
    mattermost.start()
    wait_for(lambda: len(world.met) == 2)
    ends_well(world, [*said, *flood])


_AFTERWARDS = {"a flood": "", "threads": "digest_from = 0"}


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "not taken"])
@pytest.mark.parametrize("busy", [False, True], ids=["", "roots refused at first"])
@pytest.mark.parametrize("afterwards", _AFTERWARDS)
def test_a_kill_over_a_digest(
    speaker_with: Callable[..., Speaker],
    mattermost: BotSink,
    news: Path,
    afterwards: str,
    busy: bool,
    taken: bool,
) -> None:
    """Whatever form its news take when the relay is back: it is looked for in each that it may have had."""
    speaker = speaker_with("")
    world, said = begun(speaker, mattermost, news)
    flood = news_of(MANY, 1)
    gather(world, news, flood)
    world.fail(Reply(drop=True, post=taken, hold=world.over), a_digest)
    mattermost.start()
    wait_for(lambda: len(world.met) == 1)
    mattermost.forget_pending()
    speaker.kill()
    world.over.set()
    speaker.as_bot(_AFTERWARDS[afterwards])
    world.met.clear()
    if busy:
        world.fail(ANSWERS["429"], a_root, times=2)
    speaker.start()
    ends_well(world, [*said, *flood])


@pytest.mark.parametrize("taken", [True, False], ids=["taken", "not taken"])
@pytest.mark.parametrize("kind", ["root", "reply"])
def test_a_kill_over_threads_before_a_flood(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path, kind: str, taken: bool
) -> None:
    """What was under way is found before the digest says it again, and a root that was posted shows the end."""
    speaker = speaker_with("")
    world, said = begun(speaker, mattermost, news)
    names = MANY[len(FEW) : 2 * len(FEW)] if kind == "root" else FEW
    before = news_of(names, 1)
    gather(world, news, before)

    def beside_the_head(call: Call) -> bool:
        """The head is tried by itself after the outage, and those after it at the same time."""
        return KINDS[kind](call) and call.keys[0] != before[0].key

    world.fail(Reply(drop=True, post=taken, hold=world.over), beside_the_head, times=AT_ONCE)
    mattermost.start()
    wait_for(lambda: len(world.met) == AT_ONCE)
    mattermost.forget_pending()
    speaker.kill()
    world.over.set()
    mattermost.behave = lambda call: OK
    flood = news_of(MANY, 2)
    write(news, flood)
    speaker.start()
    ends_well(world, [*said, *before, *flood])
    assert any(post.is_digest for post in mattermost.roots("dev"))
