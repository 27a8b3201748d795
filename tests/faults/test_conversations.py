"""A bot's conversations: many events of many of them, while a fifth of the requests fails and relays are killed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.ledger import Ledger
from tests.relays.bot_sink import BotSink
from tests.relays.conversations import Said, Speaker, Verdict, judge
from tests.relays.test_conversations_storm import storm

EVENTS = 10_000
KILLS = 20


@dataclass(frozen=True)
class Threads:
    """What became of notifications: lost is a reply that is not there, or a root that shows something else."""

    said: Sequence[Said]
    verdict: Verdict

    @property
    def sent(self) -> int:
        return len(self.said)

    @property
    def accepted(self) -> int:
        return len(self.said)

    @property
    def arrived(self) -> int:
        return len(self.said) - len(self.missing())

    def missing(self) -> set[str]:
        return {*self.verdict.lost, *self.verdict.roots}

    def doubled(self) -> int:
        return len(self.verdict.doubled)

    def disordered(self) -> int | None:
        return len(self.verdict.disordered)


@pytest.mark.parametrize(
    ("spool", "hosts"),
    [("sqlite", 1), ("postgresql", 2)],
    indirect=["spool"],
    ids=["a file", "two hosts"],
)
@pytest.mark.parametrize(
    ("conversations", "channels"),
    [pytest.param(200, 5, id="threads"), pytest.param(600, 2, id="digests of the channel")],
)
def test_many(
    speaker_with: Callable[..., Speaker],
    mattermost: BotSink,
    news: Path,
    ledger: Ledger,
    hosts: int,
    conversations: int,
    channels: int,
) -> None:
    speakers = [speaker_with("") for _ in range(hosts)]
    said, weather = storm(speakers, mattermost, news, EVENTS, conversations, KILLS, channels)
    what = f"{channels} channels, {'a file' if hosts == 1 else '2 hosts'}"
    ledger.settle(
        f"Bot: {conversations} conversations, {what}, SIGKILL x {KILLS}, {weather.failed.total()} requests fail",
        Threads(said, judge(mattermost, said)),
    )
