"""People press buttons that act in GitLab while relays are killed, or Mattermost is away, until they are answered."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.faults.ledger import Ledger, seed
from tests.relays import gitlab_acting
from tests.relays.bot_sink import BotSink, Written
from tests.relays.commanded import bot, chat
from tests.relays.events import body, send
from tests.relays.gitlab_acting import DEVELOPER, GitLab, gitlab
from tests.relays.pressing import request_of, send_press
from tests.relays.process import Relay, undelivered, wait_for
from tests.relays.slash import introduce

__all__ = ["bot", "chat", "gitlab"]

PEOPLE = [f"person{number:03d}" for number in range(60)]
KILLS = 15
DONE = "👀"


@dataclass(frozen=True)
class Presses:
    """What became of the presses of `people`, who were all answered that they review: in the thread, and in GitLab."""

    chat: BotSink
    root: Written
    gitlab: GitLab
    people: Sequence[str]

    @property
    def sent(self) -> int:
        return len(self.people)

    @property
    def accepted(self) -> int:
        return len(self.people)

    @property
    def arrived(self) -> int:
        return len(self.people) - len(self.missing())

    def missing(self) -> set[str]:
        said = self._said()
        reviewers = set(self.gitlab.reviewers)
        return {name for name in self.people if not said[name] or self.gitlab.people[name] not in reviewers}

    def doubled(self) -> int:
        return sum((self._said() + Counter(self.gitlab.reviewers)).values()) - sum(
            1 for count in (*self._said().values(), *Counter(self.gitlab.reviewers).values()) if count
        )

    def disordered(self) -> int | None:
        return None

    def _said(self) -> Counter[str]:
        lines = [each.shown for each in self.chat.replies(self.root)]
        return Counter(name for name in self.people for line in lines if f" {name} relit" in line)


@pytest.fixture
def relay(bot: Callable[..., Relay], gitlab: GitLab, tmp_path: Path) -> Relay:
    people = ", ".join(f'{name} = "{name}"' for name in PEOPLE)
    made = bot(f"digest_from = 0\npeople = {{ {people} }}", commands=gitlab_acting.settings(gitlab))
    gitlab_acting.hand_token(tmp_path)
    made.start()
    return made


def prepare(relay: Relay, chat: BotSink, gitlab: GitLab) -> tuple[Written, dict[str, dict[str, object]]]:
    """The root of a merge request, and what each person's press of its button is."""
    for number, name in enumerate(PEOPLE):
        introduce(chat, f"{name:0<26}", name)
        gitlab.people[name] = 100 + number
        gitlab.roles[name] = DEVELOPER
    send(relay, body("merge_request_open.json"))
    wait_for(lambda: chat.roots("dev") and undelivered(relay) == 0)
    root = chat.roots("dev")[0]
    return root, {name: request_of(chat, root, "review", f"{name:0<26}") for name in PEOPLE}


def press_until_done(relay: Relay, press: dict[str, object], halt: threading.Event) -> None:
    """As somebody does to whom Mattermost says that it has failed, or the relay that nobody knows."""
    while not halt.is_set():
        try:
            if send_press(relay, press).json()["ephemeral_text"].startswith(DONE):
                return
        except requests.RequestException:
            time.sleep(0.05)


@contextmanager
def pressing(relay: Relay, presses: dict[str, dict[str, object]]) -> Iterator[Callable[[], bool]]:
    """All of them, six at a time; whether they are done, which they have to be in the end."""
    halt = threading.Event()
    with ThreadPoolExecutor(6) as pool:
        work = [pool.submit(press_until_done, relay, press, halt) for press in presses.values()]
        try:
            yield lambda: all(each.done() for each in work)
            wait_for(lambda: all(each.done() for each in work), 120)
        finally:
            halt.set()


def test_sigkill(relay: Relay, chat: BotSink, gitlab: GitLab, ledger: Ledger) -> None:
    """Between a press, what it does in GitLab, what the thread says, and the answer."""
    chance = random.Random(seed())
    root, presses = prepare(relay, chat, gitlab)
    with pressing(relay, presses) as is_done:
        for _ in range(KILLS):
            enough = len(gitlab.asked) + chance.randrange(5, 25)
            wait_for(lambda enough=enough: len(gitlab.asked) >= enough or is_done())  # type: ignore[misc]
            relay.kill()
            relay.start()
    ledger.settle(f"Buttons in GitLab: SIGKILL x {KILLS}", Presses(chat, root, gitlab, PEOPLE))


def test_mattermost_away(relay: Relay, chat: BotSink, gitlab: GitLab, ledger: Ledger) -> None:
    """Nobody can be asked who has pressed, nor can anything be posted; then the server is gone altogether."""
    chance = random.Random(seed())
    root, presses = prepare(relay, chat, gitlab)
    with pressing(relay, presses) as is_done:
        for turn in range(6):
            enough = len(gitlab.asked) + chance.randrange(10, 40)
            wait_for(lambda enough=enough: len(gitlab.asked) >= enough or is_done())  # type: ignore[misc]
            if turn % 2:
                chat.stop()
                chat.start()
            else:
                chat.healthy = False
                time.sleep(chance.random())
                chat.healthy = True
    ledger.settle("Buttons in GitLab: Mattermost away x 6", Presses(chat, root, gitlab, PEOPLE))
