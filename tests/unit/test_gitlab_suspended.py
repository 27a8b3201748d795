"""A channel hears once that a subscription is suspended, whatever has happened, and nothing that it did not know."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from relays.mattermost.bot import by_id
from relays.mattermost.channels import Channel, Kind
from relays.mattermost.people import NoAnswerError
from relays.sources.gitlab.rest import Server
from relays.sources.gitlab.routing import Route
from relays.sources.gitlab.subscriptions import tables
from relays.sources.gitlab.subscriptions.notices import Notices
from relays.sources.gitlab.subscriptions.subscription import Place, Subscription
from relays.sources.gitlab.subscriptions.watch import SubscriptionWatch
from relays.storage.engine import Database
from tests.postgresql import on_both_spools
from tests.relays.gitlab_readers import READ_TOKEN, REPORTER, GitLabReaders
from tests.unit.acts_world import RecordingOutbox, World, world

ROOM = "room0000000000000000000001"
ONE, TWO = "taaf/one", "taaf/two"


class Room:
    """The channel as Mattermost shows it."""

    def __init__(self) -> None:
        self.kind: Kind = "private"
        self.is_archived = self.is_gone = self.is_away = False
        self.has_the_bot = True
        self.people: list[str] | None = ["alice"]

    def find(self, channel_id: str) -> Channel | None:
        if self.is_away:
            raise NoAnswerError
        return None if self.is_gone else Channel("room", self.kind, self.is_archived)

    def has_bot(self, channel_id: str) -> bool:
        return self.has_the_bot

    def members(self, channel_id: str) -> list[str] | None:
        return self.people


class Site:
    """A relay with subscriptions of one channel. `turn` has all of them looked at, by either of two relays in turns."""

    def __init__(self, made: World) -> None:
        self.relay, self.room, self.gitlab = made, Room(), GitLabReaders()
        for project in (ONE, TWO):
            self.gitlab.project(project)
        self.gitlab.members["taaf"] = {"alice": REPORTER}

    def watch(self) -> SubscriptionWatch:
        store, now = self.relay.store, lambda: self.relay.now
        outbox = RecordingOutbox(store, "test", self.relay.posts)
        server = Server(self.gitlab.front.url, READ_TOKEN)
        notices = Notices(self.relay.router.language_in, now)
        channels: Any = self.room
        return SubscriptionWatch(store, channels, server, {}, threading.Event(), outbox, notices)

    def turn(self, times: int = 2) -> None:
        for _ in range(times):
            self.relay.now += 300
            self.watch().turn()

    def subscribe(self, *targets: str) -> None:
        for target in targets:
            new = Subscription(0, ROOM, target, "", "alice", self.relay.now)
            self.relay.store.submit(lambda db, new=new: tables.put(db, new, Place(ROOM, "room"))).result()  # type: ignore[misc]
        self.turn()

    @property
    def said(self) -> list[str]:
        found = self.relay.announced(by_id(ROOM))
        assert len(found) == len(self.relay.posts), "said nowhere else"
        return [json.loads(message)["text"] for message in found]


@pytest.fixture
def site(tmp_path: Path, spool: str | None) -> Iterator[Site]:
    with world(tmp_path, spool, Route(())) as made:
        yield Site(made)


def _hides(site: Site) -> None:
    site.gitlab.projects.clear()


def _opens(site: Site) -> None:
    site.room.kind = "open"


def _stranger(site: Site) -> None:
    site.room.people = ["alice", "mallory"]


def _crowd(site: Site) -> None:
    site.room.people = None


LOST: dict[str, tuple[Callable[[Site], None], str]] = {
    "GitLab shows it no more": (_hides, "⏸️ GitLab n'en montre plus rien"),
    "the channel is open": (_opens, "⏸️ le projet n'est plus public, et toute l'équipe peut lire ce canal"),
    "a stranger": (
        _stranger,
        "⏸️ le projet n'est pas public, et certains de ceux qui lisent ce canal ne peuvent",
    ),
    "a crowd": (_crowd, "⏸️ le projet n'est pas public, et ce canal a trop de monde"),
}


@on_both_spools
@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("target", [ONE, "taaf/*"])
def test_it_is_said_once_for_each_suspension(site: Site, lost: str, target: str) -> None:
    """Not again with every look, by whichever relay, and not that it goes on; but when it is lost again."""
    lose, reason = LOST[lost]
    site.subscribe(target)
    assert site.said == []
    for number in (1, 2):
        projects, people, kind = dict(site.gitlab.projects), site.room.people, site.room.kind
        lose(site)
        site.turn(3)
        assert len(site.said) == number
        assert site.said[-1].startswith(f"📌 L'abonnement de ce canal à `{target}` est suspendu — {reason}")
        assert "mallory" not in site.said[-1]
        assert target == ONE or ONE not in site.said[-1], "projects of a group are not named"
        site.gitlab.projects, site.room.people, site.room.kind = projects, people, kind
        site.turn()
        assert len(site.said) == number


QUIET: dict[str, Callable[[Site], object]] = {
    "GitLab does not answer": lambda site: setattr(site.gitlab, "away", True),
    "Mattermost does not answer": lambda site: setattr(site.room, "is_away", True),
    "one project of a group is left": lambda site: site.gitlab.projects.pop(TWO),
    "the bot is not in the channel": lambda site: setattr(site.room, "has_the_bot", False),
    "the channel is archived": lambda site: setattr(site.room, "is_archived", True),
    "the channel is gone": lambda site: setattr(site.room, "is_gone", True),
}


@pytest.mark.parametrize("why", QUIET)
def test_nothing_is_said_while_it_is_not_lost(site: Site, why: str) -> None:
    """Or while the channel cannot hear it."""
    site.subscribe("taaf/*")
    QUIET[why](site)
    site.turn(3)
    assert site.said == []


def test_what_was_lost_while_the_bot_was_away_is_said_when_it_is_back(site: Site) -> None:
    site.subscribe(ONE)
    site.room.has_the_bot = False
    site.turn()
    _stranger(site)
    site.turn()
    assert site.said == []
    site.room.has_the_bot = True
    site.turn()
    assert len(site.said) == 1


def test_several_of_one_reason_are_said_together(site: Site) -> None:
    """And each of another reason by itself."""
    site.subscribe(ONE, TWO, "taaf/**")
    site.gitlab.projects.pop(TWO)
    _opens(site)
    site.turn()
    assert sorted(text.partition(" — ")[0] for text in site.said) == [
        f"📌 L'abonnement de ce canal à `{ONE}`, `taaf/**` est suspendu",
        f"📌 L'abonnement de ce canal à `{TWO}` est suspendu",
    ]


def test_a_subscription_that_never_brought_anything_is_not_suspended(site: Site) -> None:
    """Such as one that was imported: nothing is taken from the channel."""
    _stranger(site)
    site.subscribe(ONE)
    site.turn(3)
    assert site.said == []


@on_both_spools
@pytest.mark.parametrize("question", ["find", "has_bot", "members"])
def test_what_is_subscribed_to_while_others_are_looked_at_is_heard_of(
    site: Site, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    """At whichever question, and although what allows it was found out before the look began."""
    site.subscribe(ONE)
    asked, begun = getattr(site.room, question), site.relay.now

    def subscribe(db: Database) -> None:
        tables.put(db, Subscription(0, ROOM, TWO, "", "alice", begun), Place(ROOM, "room"))
        tables.keep_access(db, [tables.Access(ROOM, TWO, "", False, 0, begun)])

    def answer(channel_id: str) -> object:
        site.relay.store.submit(subscribe).result()
        return asked(channel_id)

    monkeypatch.setattr(site.room, question, answer)
    site.turn(1)
    known = tables.access(site.relay.store)
    assert {project: access.refusal for (_, project), access in known.items()} == {ONE: "", TWO: ""}
    monkeypatch.setattr(site.room, question, asked)
    site.gitlab.members["taaf"] = {}
    site.turn(1)
    assert all(access.refusal for access in tables.access(site.relay.store).values())
