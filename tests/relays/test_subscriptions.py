"""Channels that subscribe in the chat: what they hear of then, once each, until somebody ends it."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.postgresql import Cluster, on_both_spools
from tests.relays.bot_sink import BotSink
from tests.relays.commanded import bot, chat
from tests.relays.events import body, send
from tests.relays.gitlab_readers import READ_TOKEN, REPORTER, GitLabReaders
from tests.relays.process import Relay, undelivered, wait_for
from tests.relays.slash import ALICE, BOB, ask
from tests.relays.test_choices import choices

__all__ = ["bot", "chat"]

SITE, VAULT = "taaf/site", "taaf/vault"
ROOM, HALL = "room0000000000000000000001", "hall0000000000000000000001"
LEVELS = {"public": 20, "internal": 10, "private": 0}
QUIET = 'conversations = "single"\n'


@pytest.fixture
def readers() -> Iterator[GitLabReaders]:
    """A public project, and a private one that alice is a member of."""
    made = GitLabReaders()
    made.project(SITE, "public")
    made.project(VAULT)
    made.members[VAULT] = {"alice": REPORTER}
    yield made
    made.close()


@pytest.fixture
def rooms(chat: BotSink) -> BotSink:
    """The private channel `room`, which alice administers, and `hall`, which anybody of the team comes into."""
    chat.ids |= {"room": ROOM, "hall": HALL}
    chat.kinds["room"] = "P"
    chat.present = {"room": {ALICE}, "hall": {ALICE, BOB}}
    chat.managers |= {(ROOM, ALICE), (HALL, ALICE)}
    return chat


@pytest.fixture
def relay(bot: Callable[..., Relay], rooms: BotSink, readers: GitLabReaders, tmp_path: Path) -> Relay:
    """A relay that asks GitLab, whose routes lead issues to no channel."""
    line, table = readers.settings
    made = bot(f'{QUIET}{line}{table}[[routes]]\nchannels = []\nevents = ["issue"]\n', "root")
    (tmp_path / "credentials" / "gitlab-read-token").write_text(f"{READ_TOKEN}\n")
    return made


def in_room(relay: Relay, text: str, **changes: str) -> str:
    """Ask in the private channel."""
    return ask(relay, text, **{"channel_id": ROOM, "channel_name": "room", **changes})


def in_hall(relay: Relay, text: str, **changes: str) -> str:
    """Ask in the channel of the team."""
    return ask(relay, text, **{"channel_id": HALL, "channel_name": "hall", **changes})


def event(project: str, name: str = "issue_open", level: int | None = None, **changes: Any) -> bytes:
    """A recorded event, of this project."""
    payload = json.loads(body(f"{name}.json"))
    payload["project"] |= {"path_with_namespace": project, "name": project.rpartition("/")[2]}
    payload["project"].pop("visibility_level", None)
    if level is not None:
        payload["project"]["visibility_level"] = level
    payload["object_attributes"] = payload.get("object_attributes", {}) | changes
    return json.dumps(payload).encode()


def settled(relay: Relay) -> bool:
    return undelivered(relay) == 0


@on_both_spools
def test_a_channel_hears_of_what_it_has_subscribed_to(relay: Relay, rooms: BotSink) -> None:
    """Named in `why`, kept over a kill, until somebody ends it; the channel hears who wants it."""
    relay.start()
    assert in_room(relay, "list").startswith("📌 Aucun abonnement")
    send(relay, event(SITE, title="avant"))
    assert in_room(relay, f"subscribe {SITE} issue") == f"📌 Ce canal est abonné à `{SITE}` (`issue`)."
    wait_for(lambda: len(rooms.written("room")) == 1)
    assert rooms.written("room")[0].shown == f"📌 alice abonne ce canal à `{SITE}` (`issue`)"
    relay.kill()
    relay.start()
    send(relay, event(SITE, title="Un premier"))
    wait_for(lambda: len(rooms.written("room")) == 2)
    assert "Un premier" in rooms.written("room")[1].shown
    assert f"par l'abonnement à `{SITE}` — ✅ publié" in in_room(relay, "why")
    title, line = in_room(relay, "list", user_id=BOB).splitlines()
    assert title == "**📌 Subscriptions of this channel**"
    assert line == f"- **1** · `{SITE}` (`issue`) — alice"
    assert in_room(relay, "unsubscribe 1") == f"📌 Ce canal n'est plus abonné à `{SITE}` (`issue`)."
    wait_for(lambda: len(rooms.written("room")) == 3)
    send(relay, event(SITE, title="Un second"))
    wait_for(lambda: settled(relay))
    assert len(rooms.written("room")) == 3
    assert "avant" not in " ".join(each.shown for each in rooms.written("room"))
    assert rooms.written("hall") == []


def test_subscriptions_are_exported_and_imported(relay: Relay, rooms: BotSink) -> None:
    """And what is imported is announced only once it is known who could read it."""
    relay.start()
    in_room(relay, f'subscribe {SITE} issue "labels=à faire,bug"')
    in_room(relay, f"subscribe {VAULT}")
    in_room(relay, "mute 2h")
    said = choices(relay, "list").stdout.splitlines()
    assert said[0].startswith("silence of everything in room until ")
    assert said[1:] == [
        f"subscription of room to {SITE} (issue 'labels=à faire,bug'), chosen by alice",
        f"subscription of room to {VAULT}, chosen by alice",
    ]
    exported = choices(relay, "export").stdout
    assert "n'est plus abonné" in in_room(relay, "unsubscribe all")
    assert "levé" in in_room(relay, "mute off")
    assert choices(relay, "list").stdout == ""
    for _ in range(2):  # as often as one likes
        imported = choices(relay, "import", exported)
        assert (imported.returncode, imported.stderr) == (0, "")
        wait_for(lambda: choices(relay, "list").stdout.splitlines() == said, 40)
    assert choices(relay, "export").stdout == exported
    assert "levé" in in_room(relay, "mute off")
    titles = itertools.count()

    def heard() -> bool:
        send(relay, event(VAULT, title=f"Numéro {next(titles)}"))
        wait_for(lambda: settled(relay))
        return any("Numéro" in each.shown for each in rooms.written("room"))

    wait_for(heard, 30)


def test_subscriptions_go_along_into_a_shared_spool(relay: Relay, rooms: BotSink, server: Cluster) -> None:
    """And back: nobody has to ask again, and what is found out stays known."""
    relay.start()
    in_room(relay, f"subscribe {SITE} issue")
    before = choices(relay, "list").stdout
    relay.terminate()
    address = server.database()
    for spool in (address, f"file\n{address}"):
        (relay.home / "credentials" / "spool").write_text(f"{spool}\n")
        relay.start()
        assert choices(relay, "list").stdout == before
        send(relay, event(SITE, title=f"par {spool[:4]}"))
        wait_for(lambda: settled(relay))
        assert f"par {spool[:4]}" in rooms.written("room")[-1].shown
        relay.terminate()
