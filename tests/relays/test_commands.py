"""Slash commands that a real relay answers: in time, to one person, and to nobody who is not of the team."""

import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.postgresql import on_both_spools
from tests.relays import slash
from tests.relays.bot_sink import BotSink
from tests.relays.commanded import bot, chat
from tests.relays.events import body, issue, send
from tests.relays.pressing import SETTING, request_of, send_press
from tests.relays.process import Relay, stored, undelivered, wait_for
from tests.relays.slash import ALICE, BOB, COMMAND_TOKEN, ask, form, post

__all__ = ["bot", "chat"]


REFUSED: dict[str, tuple[str, int]] = {
    "another token": (urlencode(form(token="x" * 26)), 401),
    "the beginning of the token": (urlencode(form(token=COMMAND_TOKEN[:-1])), 401),
    "a token that is no ASCII": (urlencode(form(token="é")), 401),
    "no token": (urlencode({k: v for k, v in form().items() if k != "token"}), 400),
    "an empty token": (urlencode(form(token="")), 400),
    "a foreign team": (urlencode(form(team_domain="autre")), 403),
    "no team": (urlencode({k: v for k, v in form().items() if k != "team_domain"}), 403),
    "no form": ('{"token": "x"}', 400),
    "nothing": ("", 400),
    "bytes that are no text": ("\xff\xfe=\0", 400),
    "a number that is a path": (urlencode(form(user_id="../../system/ping")), 400),
    "a channel that is a path": (urlencode(form(channel_id="me/../../users/me/aaaaaaaa")), 400),
    "a word that is none": (urlencode(form(command="@all")), 400),
    "another token, of what is no command": (f"token={'x' * 26}&" + "&".join("a" * 3000), 401),
    "no token, and the right one in a value": (
        urlencode(form(token="", text=f"&token={COMMAND_TOKEN}")),
        400,
    ),
    "thousands of fields": ("&".join(f"a{n}=1" for n in range(5000)), 400),
    "too large": (urlencode(form("x" * 64 * 1024)), 413),
}


def test_who_is_not_the_team_is_refused(bot: Callable[..., Relay]) -> None:
    relay = bot()
    relay.start()
    found = {
        name: post(relay, content.encode("latin-1")).status_code for name, (content, _) in REFUSED.items()
    }
    assert found == {name: status for name, (_, status) in REFUSED.items()}
    methods = {
        method: post(relay, urlencode(form()).encode(), method).status_code
        for method in ("GET", "HEAD", "PUT", "DELETE")
    }
    # As the doctor asks whether it is the relay that takes them in.
    assert methods == dict.fromkeys(methods, 405)
    # The token in the header, which Mattermost sends as well, is not enough.
    assert post(relay, b"", Authorization=f"Token {COMMAND_TOKEN}").status_code == 400
    assert "Passerelle" in ask(relay, "status")


def test_without_the_setting_there_is_no_such_address(gitlab: Relay) -> None:
    gitlab.start()
    assert post(gitlab, urlencode(form()).encode()).status_code == 404


def test_without_the_setting_what_was_noted_before_goes_and_nothing_is_silent(gitlab: Relay) -> None:
    """Of a site that has taken its commands out: nobody could end a silence, or ask for what is kept."""
    gitlab.start()
    gitlab.terminate()
    with sqlite3.connect(gitlab.state / "relay.db") as db:
        for key, noted_at in (("old", 0.0), ("new", time.time())):
            row = ("home", key, "issue", "", "", "", noted_at, "")
            db.execute("INSERT INTO channel_events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        for target, until in (("over/x", 0.0), ("", time.time() + 3600)):
            db.execute("INSERT INTO silences VALUES (NULL, 'home', ?, ?, 'alice', 0)", (target, until))
    gitlab.start()
    assert send(gitlab, issue(1)).status_code == 200
    wait_for(lambda: len(stored(gitlab)) == 1 and undelivered(gitlab) == 0)
    with sqlite3.connect(f"file:{gitlab.state}/relay.db?mode=ro", uri=True) as db:
        assert db.execute("SELECT delivery_key FROM channel_events").fetchall() == [("new",)]
        assert db.execute("SELECT target FROM silences").fetchall() == [("",)]


def test_without_a_token_the_relay_does_not_start(bot: Callable[..., Relay], tmp_path: Path) -> None:
    relay = bot()
    (tmp_path / "credentials" / "mattermost-command-token").unlink()
    relay.start(wait=False)
    assert relay.wait() == 78
    assert "mattermost-command-token cannot be read" in relay.text


def test_while_a_token_is_replaced_both_are_taken(bot: Callable[..., Relay], tmp_path: Path) -> None:
    relay = bot()
    (tmp_path / "credentials" / "mattermost-command-token").write_text(f"other\n{COMMAND_TOKEN}\n")
    relay.start()
    assert ask(relay, "help") == ask(relay, "help", token="other")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("text", "user_id", "shown"),
    [
        ("", ALICE, "**Ce que sait faire `/passerelle`**"),
        ("help", BOB, "**What `/passerelle` can do**"),
        ("nosuch thing", BOB, "**What `/passerelle` can do**"),
        ("STATUS", ALICE, "**✅ Passerelle : tout fonctionne**"),
        ("  status\nnow", BOB, "**✅ Passerelle: everything works**"),
        ("status", "stranger000000000000000001", "**✅ Passerelle : tout fonctionne**"),
    ],
)
def test_people_are_answered_in_their_language(
    bot: Callable[..., Relay], text: str, user_id: str, shown: str
) -> None:
    relay = bot()
    relay.start()
    assert ask(relay, text, user_id=user_id).splitlines()[0] == shown


def test_without_a_bot_all_are_answered_in_the_language_of_the_site(chat: BotSink, tmp_path: Path) -> None:
    listen = '[listen]\naddress = "127.0.0.1"\nport = 0\n'
    own = f'language = "en"\nchannel = "home"\n{slash.settings(chat.url)}\n{listen}'
    relay = Relay("gitlab", tmp_path, chat.hook_url, own)
    slash.hand_token(tmp_path)
    relay.start()
    assert "everything works" in ask(relay, "status", user_id=ALICE)
    relay.close()


def test_the_command_is_called_as_it_was_typed(bot: Callable[..., Relay]) -> None:
    relay = bot()
    relay.start()
    assert "`/gitlab status`" in ask(relay, "help", command="/gitlab")


@on_both_spools
def test_status_names_each_link(bot: Callable[..., Relay], chat: BotSink) -> None:
    relay = bot('[[routes]]\nchannels = ["secret"]\nevents = ["release"]\n')
    chat.ids["secret"] = "id-secret"
    relay.start()
    assert ask(relay, "status").splitlines() == [
        "**✅ Passerelle : tout fonctionne**",
        "- 📥 GitLab : aucun événement traité jusqu'ici",
        "- ⚙️ Relais : rien à traiter",
        "- 📤 Mattermost : rien en attente",
    ]
    send(relay, issue(1))
    wait_for(lambda: len(chat.written("dev")) == 1)
    wait_for(lambda: "Dernier message livré" in ask(relay, "status"))
    assert "dernier événement il y a" in ask(relay, "status")
    chat.forbidden |= {"dev", "secret"}
    send(relay, issue(2))
    send(relay, issue(3))
    send(relay, body("release_create.json"))
    wait_for(lambda: "n'accepte plus de message dans 1 autre canal" in ask(relay, "status"))
    here = ask(relay, "status")
    assert "**⚠️ Passerelle : quelque chose coince**" in here
    assert "3 messages en attente, le plus ancien depuis" in here
    assert "Dont 2 pour ce canal" in here
    assert "n'accepte plus de message dans ce canal" in here
    elsewhere = ask(relay, "status", channel_name="other")
    assert "dans 2 autres canaux" in elsewhere
    # Of channels that somebody may not be in, there is not even the name.
    assert "secret" not in here + elsewhere
    assert "dev" not in elsewhere


def test_a_mattermost_that_does_not_answer_keeps_nobody_waiting(
    bot: Callable[..., Relay], chat: BotSink
) -> None:
    relay = bot()
    relay.start()
    chat.asking_seconds = 5.0
    begun = time.monotonic()
    assert "tout fonctionne" in ask(relay, "status", user_id=BOB), "in the language of the site"
    assert time.monotonic() - begun < 2.0


def _timed(relay: Relay, press: dict[str, Any]) -> float:
    """How long a press takes to be answered."""
    begun = time.monotonic()
    assert send_press(relay, press).status_code == 200
    return time.monotonic() - begun


@pytest.mark.parametrize(
    ("commands", "events"), [(100, 500), pytest.param(500, 5000, marks=pytest.mark.exhaustive)]
)
def test_commands_and_events_do_not_hold_each_other_up(
    bot: Callable[..., Relay], chat: BotSink, commands: int, events: int
) -> None:
    """While GitLab sends and Mattermost is slow: each command within a second, and no event lost.

    So are presses that nobody signed; those of the relay's buttons, for which Mattermost is asked, in time.
    """
    relay = bot("digest_from = 0", commands=SETTING)
    relay.start()
    send(relay, issue(0))
    wait_for(lambda: chat.roots("dev") and undelivered(relay) == 0)
    signed = request_of(chat, chat.roots("dev")[0], "mute")
    forged = {**signed, "context": {**signed["context"], "signature": "0" * 64}}
    chat.seconds, chat.asking_seconds = 0.05, 3.0
    statuses: list[int] = []
    sending = threading.Thread(
        target=lambda: statuses.extend(send(relay, issue(number)).status_code for number in range(events))
    )
    sending.start()
    pool = ThreadPoolExecutor(10)
    people = [f"person{number:020d}" for number in range(commands // 10)]
    presses = [pool.submit(_timed, relay, {**signed, "user_id": person}) for person in people]
    slowest = 0.0
    gap = 10.0 / 500
    for number in range(commands):
        begun = time.monotonic()
        asked = urlencode(form("status", user_id=f"person{number:020d}")).encode()
        assert post(relay, asked).status_code == 200
        slowest = max(slowest, time.monotonic() - begun)
        if number % 5 == 0:
            slowest = max(slowest, _timed(relay, forged))
        time.sleep(max(0.0, gap - (time.monotonic() - begun)))
    sending.join()
    assert set(statuses) == {200}
    assert slowest < 1.0
    # Mattermost gives up after thirty.
    assert max(each.result() for each in presses) < 28.0
    pool.shutdown()
    chat.seconds = 0.0
    wait_for(lambda: undelivered(relay) == 0, 300)
    shown = " ".join(each.shown for each in chat.written("dev"))
    assert all(f"Issue {number}" in shown for number in range(events))
