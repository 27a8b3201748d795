"""What people choose to be written to of in person: heeded by a real relay, over kills and at any time of day."""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.postgresql import on_both_spools
from tests.relays.bot_sink import BotSink
from tests.relays.commanded import bot, chat
from tests.relays.events import send
from tests.relays.process import Relay, undelivered, wait_for
from tests.relays.slash import ALICE, ask
from tests.unit.acts_world import HEAD
from tests.unit.conversation_events import CAMILLE, LEO, OPEN, by, change, person

__all__ = ["bot", "chat"]

PEOPLE = 'people = { lperrin = "alice" }'


def quiet_now() -> str:
    """A quiet time that it is now, wherever this machine is: hours around the moment in UTC."""
    now = datetime.now(UTC)
    return f"{now - timedelta(hours=2):%H:%M}-{now + timedelta(hours=2):%H:%M}"


def ask_again(relay: Relay, moment: int) -> None:
    """Alice is asked for her review once more."""
    states = [[person(*LEO, re_requested=again)] for again in (False, True)]
    payload = by(change("update", moment, HEAD) | {"changes": {"reviewers": states}}, *CAMILLE)
    assert send(relay, json.dumps(payload).encode()).status_code == 200
    wait_for(lambda: undelivered(relay) == 0)


def waiting(relay: Relay, condition: str = "true") -> int:
    """How many messages in person are noted and not sent."""
    query = f"SELECT count(*) FROM {{}}direct_messages WHERE {condition}"  # noqa: S608
    if relay.spool:
        with psycopg.connect(relay.spool) as connection:
            ((number,),) = connection.execute(query.format("passerelle.").encode()).fetchall()
    else:
        with sqlite3.connect(f"file:{relay.state}/relay.db?mode=ro", uri=True) as db:
            ((number,),) = db.execute(query.format("")).fetchall()
    return int(number)


def written(chat: BotSink) -> int:
    return len(chat.written("@alice"))


@pytest.mark.sampled(2)
@on_both_spools
def test_what_is_chosen_is_heeded(bot: Callable[..., Relay], chat: BotSink) -> None:
    """Dropped, kept for later over a kill, and sent once the quiet time is over."""
    chat.persons[ALICE]["timezone"] = {"useAutomaticTimezone": "false", "manualTimezone": "UTC"}
    relay = bot(PEOPLE)
    relay.start()
    assert send(relay, json.dumps(by(OPEN, *CAMILLE)).encode()).status_code == 200
    wait_for(lambda: written(chat) == 1)
    assert "📬 rien" in ask(relay, "notify none")
    ask_again(relay, 3)
    wait_for(lambda: waiting(relay) == 0)
    assert "📬 tout ce qui vous concerne" in ask(relay, "notify all")
    quiet = quiet_now()
    assert "(UTC)" in ask(relay, f"notify quiet {quiet}")
    ask_again(relay, 4)
    wait_for(lambda: waiting(relay, "due_at > 0") == 1)
    relay.kill()
    relay.start()
    assert quiet.partition("-")[0] in ask(relay, "notify")
    assert (written(chat), waiting(relay)) == (1, 1)
    ask(relay, "notify quiet off")
    wait_for(lambda: written(chat) == 2)
    wait_for(lambda: undelivered(relay) == 0)
    assert (written(chat), waiting(relay)) == (2, 0)


@pytest.mark.parametrize("settings", ["direct_messages = false"])
def test_where_nobody_is_written_to_there_is_nothing_to_choose(
    bot: Callable[..., Relay], settings: str
) -> None:
    relay = bot(settings)
    relay.start()
    assert "personne ne reçoit de message privé" in ask(relay, "notify all")
