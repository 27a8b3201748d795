"""Many conversations through a Mattermost that fails at every fifth request, and relays that are killed meanwhile.

Nothing is lost, no root and no reply is there twice, each conversation is in order, and its root shows its last state.
In tests/faults there are more of them. The seed is random and printed when the test fails; PASSERELLE_SEED sets it.
"""

import os
import random
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.relays.bot_sink import BotSink, Call
from tests.relays.conversations import Said, Speaker, judge, write
from tests.relays.process import wait_for
from tests.relays.sink import DROPPED, OK, Reply
from tests.relays.test_conversations_faults import ANSWERS

SHARE = 0.2
# The relay waits twice as long after each failure of the same post.
MOST_IN_A_ROW = 3


class Weather:
    """How the sink behaves: every fifth request fails, and now and then one hangs until a relay is killed over it."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._kill = threading.Event()
        self._tried: Counter[tuple[str, str, str]] = Counter()
        self.failed: Counter[str] = Counter()
        self.hanging = False

    def behave(self, call: Call) -> Reply:
        """Called for one request at a time."""
        what = (call.kind, call.root_id, call.keys[0])
        if self._chance.random() >= SHARE or self._tried[what] == MOST_IN_A_ROW:
            return OK
        self._tried[what] += 1
        if self.hanging:
            self.hanging = False
            self.failed["hanging"] += 1
            return Reply(drop=True, post=self._chance.random() < 0.5, hold=self._kill)
        name, reply = self._chance.choice([*ANSWERS.items(), ("nothing", DROPPED)])
        self.failed[name] += 1
        return reply

    def killed(self) -> None:
        """A relay is dead: who waits for an answer waits no longer."""
        self._kill.set()
        self._kill = threading.Event()


def life(events: int, conversations: int, channels: list[str], chance: random.Random) -> list[Said]:
    """So many events of so many conversations, mixed; two of three say something, all change their root."""
    said = []
    for number in range(events):
        # Each has a first event, which makes its root.
        place = number if number < conversations else chance.randrange(conversations)
        name = f"taaf/passerelle!{place}"
        says = None if number < conversations or number % 3 == 0 else f"news {number}"
        said.append(
            Said(f"e-{number}", says, f"state {number} of {name}", name, channels[place % len(channels)])
        )
    return said


def storm(
    speakers: list[Speaker],
    sink: BotSink,
    news: Path,
    events: int,
    conversations: int,
    kills: int,
    channels: int,
) -> tuple[list[Said], Weather]:
    """Send it all through that; what was said, once nothing waits any more."""
    seed = int(os.environ.get("PASSERELLE_SEED") or random.randrange(10**9))
    print(f"PASSERELLE_SEED={seed}")
    chance = random.Random(seed)
    names = [f"c{number}" for number in range(channels)]
    sink.ids.update({name: f"id-{name}" for name in names})
    said = life(events, conversations, names, chance)
    weather = Weather(random.Random(seed))
    sink.behave = weather.behave
    for speaker in speakers:
        speaker.start()
    lots = [
        said[start : start + -(-events // (kills + 1))]
        for start in range(0, events, -(-events // (kills + 1)))
    ]
    for number, lot in enumerate(lots, start=1):
        calls, sent = len(sink.calls), number * len(lots[0])
        write(news, lot)
        if lot is not lots[-1]:
            weather.hanging = chance.random() < 0.7
            calls += chance.randrange(5, 20)
            wait_for(partial(_under_way, sink, calls, speakers[0], sent), 60)
            speaker = chance.choice(speakers)
            speaker.kill()
            weather.killed()
            if chance.random() < 0.2:
                sink.forget_pending()  # Mattermost has started again as well
            speaker.start()
    weather.hanging = False
    wait_for(lambda: speakers[0].settled(events), 300)
    print(f"{len(sink.posts)} posts, {len(sink.calls)} requests, {weather.failed}")
    return said, weather


def _under_way(sink: BotSink, calls: int, speaker: Speaker, sent: int) -> bool:
    """Whether so many requests were made, or all is posted: that may take only a few digests."""
    return len(sink.calls) >= calls or speaker.settled(sent)


@pytest.mark.sampled(6)
@pytest.mark.parametrize(
    ("spool", "hosts"),
    [("sqlite", 1), pytest.param("postgresql", 2)],
    indirect=["spool"],
    ids=["a file", "two hosts"],
)
@pytest.mark.parametrize(
    ("events", "conversations", "kills", "channels", "settings"),
    [
        pytest.param(600, 40, 4, 4, "", id="digests"),
        pytest.param(1500, 150, 4, 1, "", id="digests-of-the-channel"),
        pytest.param(200, 20, 4, 10, "digest_from = 0", id="single-replies"),
    ],
)
def test_nothing_is_lost_or_there_twice_or_out_of_order(
    speaker_with: Callable[..., Speaker],
    mattermost: BotSink,
    news: Path,
    hosts: int,
    events: int,
    conversations: int,
    kills: int,
    channels: int,
    settings: str,
) -> None:
    speakers = [speaker_with(settings) for _ in range(hosts)]
    said, _ = storm(speakers, mattermost, news, events, conversations, kills, channels)
    verdict = judge(mattermost, said)
    assert verdict.holds, verdict
    assert speakers[0].parked() == 0
