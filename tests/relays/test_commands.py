"""Slash commands that a real relay answers: in time, to one person, and to nobody who is not of the team."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.postgresql import on_both_spools
from tests.relays import slash
from tests.relays.bot_sink import BotSink
from tests.relays.events import body, issue, send
from tests.relays.process import Relay, health, undelivered, wait_for
from tests.relays.sink import OK, Reply
from tests.relays.slash import ALICE, BOB, COMMAND_TOKEN, ask, form, introduce, post


@pytest.fixture
def chat() -> Iterator[BotSink]:
    """A Mattermost with the channels `dev` and `home`, and two people."""
    sink = BotSink("dev", "home")
    introduce(sink, ALICE, "alice", "fr")
    introduce(sink, BOB, "bob", "en-GB")
    yield sink
    sink.stop()


@pytest.fixture
def bot(chat: BotSink, tmp_path: Path, spool: str | None) -> Iterator[Callable[..., Relay]]:
    """Makes the GitLab relay that posts as a bot and answers commands, not started yet."""
    relays: list[Relay] = []

    def make(settings: str = "", *operators: str) -> Relay:
        named, token = chat.bot
        listen = '[listen]\naddress = "127.0.0.1"\nport = 0\n'
        own = f'channel = "dev"\n{settings}\n{named}\n{slash.settings(chat.url, *operators)}\n{listen}'
        relays.append(Relay("gitlab", tmp_path, chat.hook_url, own, spool))
        (tmp_path / "credentials" / "mattermost-bot-token").write_text(f"{token}\n")
        slash.hand_token(tmp_path)
        return relays[-1]

    yield make
    for relay in relays:
        relay.close()
        for secret in (COMMAND_TOKEN, slash.RESPONSE):
            assert secret not in relay.text


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
    assert methods == dict.fromkeys(methods, 405)
    # The token in the header, which Mattermost sends as well, is not enough.
    assert post(relay, b"", Authorization=f"Token {COMMAND_TOKEN}").status_code == 400
    assert "Passerelle" in ask(relay, "status")


def test_without_the_setting_there_is_no_such_address(gitlab: Relay) -> None:
    gitlab.start()
    assert post(gitlab, urlencode(form()).encode()).status_code == 404


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


@on_both_spools
def test_why_says_what_became_of_each_event_in_the_channel(bot: Callable[..., Relay], chat: BotSink) -> None:
    """In each state: posted, waiting, put aside, muted, dropped; and nothing of what an event says."""
    relay = bot('conversations = "single"\n[[routes]]\nchannels = []\nevents = ["release"]\n')
    relay.start()
    assert ask(relay, "why").startswith("Aucun événement pour ce canal")
    send(relay, issue(1))
    send(relay, body("pipeline_running.json"))
    send(relay, body("release_create.json"))
    wait_for(lambda: undelivered(relay) == 0 and "✅ publié" in ask(relay, "why"))
    title, release, running, opened = ask(relay, "why").splitlines()
    assert title == "**Derniers événements pour ce canal**"
    assert re.match(r"- \*\*\d+\*\* · `issue` `#1` · taaf/projet-test-taaf, il y a ", opened)
    assert opened.endswith(" — ✅ publié")
    assert running.endswith(" — 🔇 passé sous silence : encore en chemin (`mute.intermediate`)")
    assert release.endswith(" — 🔇 écarté par la route 1 (`gitlab.routes`)")
    assert "Issue 1" not in opened
    assert "no event for this channel" in ask(relay, "why", channel_name="home", user_id=BOB).lower()
    chat.behave = lambda call: Reply(400, b'{"id": "model.post.is_valid.msg.app_error"}')
    send(relay, issue(2))
    wait_for(lambda: "📭 mis de côté : HTTP 400" in ask(relay, "why"))
    chat.behave = lambda call: Reply(503, b"")
    send(relay, issue(3))
    wait_for(lambda: "⏳ pas encore accepté par Mattermost (HTTP 503)" in ask(relay, "why"))
    send(relay, issue(4))
    wait_for(lambda: "`#4`" in ask(relay, "why"))
    assert ask(relay, "why").splitlines()[1].endswith(" — ⏳ en attente")
    assert "posted" in ask(relay, "why", user_id=BOB)


def test_in_a_thread_the_first_post_may_be_all_that_changes(bot: Callable[..., Relay], chat: BotSink) -> None:
    relay = bot()
    relay.start()
    send(relay, body("merge_request_open.json"))
    wait_for(lambda: len(chat.roots("dev")) == 1)
    wait_for(lambda: "son fil est à jour" in ask(relay, "why"))


DEAD = "Réservé aux opérateurs"


def refuse(chat: BotSink, relay: Relay, *numbers: int) -> None:
    """Have messages put aside."""
    chat.behave = lambda call: Reply(400, b'{"id": "model.post.is_valid.msg.app_error"}')
    for number in numbers:
        send(relay, issue(number))
    wait_for(lambda: health(relay)[1]["parked"] == len(numbers))
    chat.behave = lambda call: OK


@on_both_spools
def test_operators_decide_on_what_was_put_aside(bot: Callable[..., Relay], chat: BotSink) -> None:
    relay = bot('conversations = "single"', "alice")
    relay.start()
    assert ask(relay, "dead") == "📭 Rien n'est mis de côté."
    refuse(chat, relay, 1, 2, 3)
    title, *lines = ask(relay, "dead list").splitlines()
    assert title == "**📭 3 éléments mis de côté**"
    numbers = [re.findall(r"\*\*(\d+)\*\*", line)[0] for line in lines]
    assert all("message pour `dev`, depuis" in line and "HTTP 400" in line for line in lines)
    assert "Issue" not in "".join(lines), "an operator need not be one who may read it"
    assert ask(relay, f"dead retry {numbers[0]} 999") == "`999` n'est pas mis de côté, ou ne l'est plus."
    assert ask(relay, f"dead retry {numbers[0]}") == "🔁 1 élément repart."
    wait_for(lambda: len(chat.written("dev")) == 1)
    assert ask(relay, f"dead retry {numbers[0]}").endswith("ou ne l'est plus.")
    assert ask(relay, f"dead drop {numbers[1]}") == "🗑️ 1 élément est abandonné."
    assert ask(relay, "dead drop all") == "🗑️ 1 élément est abandonné."
    assert ask(relay, "dead") == "📭 Rien n'est mis de côté."
    assert ask(relay, "dead retry") == ask(relay, "dead bury 1")
    assert "`/passerelle` `dead`" in ask(relay, "dead bury 1")
    assert len(chat.written("dev")) == 1
    assert "dead letters act=retry" in relay.text


@pytest.mark.parametrize("text", ["dead", "dead list", "dead retry all", "dead drop all", "dead drop 1"])
def test_who_is_no_operator_decides_nothing(bot: Callable[..., Relay], chat: BotSink, text: str) -> None:
    """Nor who says in the request that they are called like one, nor who administers the channel alone."""
    relay = bot("", "alice")
    introduce(chat, ALICE, "not-alice")
    chat.managers.add((slash.DEV, ALICE))
    relay.start()
    refuse(chat, relay, 1)
    assert DEAD in ask(relay, text, user_name="alice")
    assert "For operators" in ask(relay, text, user_id=BOB)
    assert health(relay)[1]["parked"] == 1
    chat.persons.pop(ALICE)
    assert "n'a pas dit qui vous êtes" in ask(relay, text)
    assert health(relay)[1]["parked"] == 1
    introduce(chat, ALICE, "root", roles="system_user system_admin")
    assert DEAD not in ask(relay, text)


@on_both_spools
def test_a_channel_is_silent_as_long_as_who_administers_it_wants(
    bot: Callable[..., Relay], chat: BotSink
) -> None:
    """The channel hears who wants it, also that it is over; what was left out is in `why`; it outlasts a kill."""
    relay = bot('conversations = "single"')
    chat.managers.add((slash.DEV, ALICE))
    relay.start()
    assert ask(relay, "mute") == "🔔 Rien ne se tait ici."
    assert ask(relay, "mute 2h") == "🔕 Silence pendant 2 h : tout. `mute off` le lève."
    wait_for(lambda: len(chat.written("dev")) == 1)
    assert chat.written("dev")[0].shown == "🔕 alice demande le silence dans ce canal pendant 2 h : tout"
    relay.kill()
    relay.start()
    send(relay, issue(1))
    wait_for(lambda: "🔕 le canal ne voulait pas l'entendre" in ask(relay, "why"))
    title, line = ask(relay, "mute", user_id=BOB).splitlines()
    assert (title, line.partition(" h — ")[2]) == ("**🔕 What is silent in this channel**", "alice")
    assert ask(relay, "mute off") == "🔔 Le silence est levé : tout."
    assert ask(relay, "mute off") == "🔔 Rien ne se tait ici."
    send(relay, issue(2))
    wait_for(lambda: len(chat.written("dev")) == 3)
    assert [each.shown for each in chat.written("dev")][1] == "🔔 alice lève le silence dans ce canal : tout"
    assert ask(relay, "mute 30m taaf/projet-test-taaf#3").startswith("🔕 Silence pendant 30 min : `taaf/")
    send(relay, issue(3))
    send(relay, issue(4))
    wait_for(lambda: any("Issue 4" in each.shown for each in chat.written("dev")))
    assert not any("Issue 3" in each.shown or "Issue 1" in each.shown for each in chat.written("dev"))


NO_SILENCE: dict[str, tuple[str, dict[str, str], str]] = {
    "who does not administer it": ("mute 2h", {"user_id": BOB}, "For those who administer this channel"),
    "who ends what is not theirs": ("mute off", {"user_id": BOB}, "For those who administer this channel"),
    "a channel that nothing comes to": (
        "mute 2h",
        {"channel_name": "home"},
        "Aucune règle du site ne mène d'événement dans ce canal",
    ),
    "nobody": ("mute 2h", {"user_id": "nobody00000000000000000001"}, "n'a pas dit qui vous êtes"),
    "no span": ("mute taaf/site", {}, "Usage : "),
    "no time at all": ("mute 0h", {}, "Usage : "),
    "an unknown unit": ("mute 2w", {}, "Usage : "),
    "no project": ("mute 2h site", {}, "Usage : "),
    "two projects": ("mute 2h taaf/a taaf/b", {}, "Usage : "),
}


def test_who_may_not_silence_a_channel_is_refused(bot: Callable[..., Relay], chat: BotSink) -> None:
    relay = bot('conversations = "single"')
    chat.managers.add((slash.DEV, ALICE))
    relay.start()
    said = {name: ask(relay, text, **changes) for name, (text, changes, _) in NO_SILENCE.items()}
    assert {name: text for name, text in said.items() if NO_SILENCE[name][2] not in text} == {}
    assert ask(relay, "mute") == "🔔 Rien ne se tait ici."
    assert "7 j" in ask(relay, "mute 365d"), "a week at most"
    send(relay, issue(1))
    wait_for(lambda: "ne voulait pas" in ask(relay, "why"))


def test_without_a_bot_nobody_decides(chat: BotSink, tmp_path: Path) -> None:
    listen = '[listen]\naddress = "127.0.0.1"\nport = 0\n'
    relay = Relay(
        "gitlab", tmp_path, chat.hook_url, f'channel = "home"\n{slash.settings(chat.url)}\n{listen}'
    )
    slash.hand_token(tmp_path)
    relay.start()
    assert "personne ne peut décider depuis le chat" in ask(relay, "dead retry all")
    relay.close()


def test_a_mattermost_that_does_not_answer_keeps_nobody_waiting(
    bot: Callable[..., Relay], chat: BotSink
) -> None:
    relay = bot()
    relay.start()
    chat.asking_seconds = 5.0
    begun = time.monotonic()
    assert "tout fonctionne" in ask(relay, "status", user_id=BOB), "in the language of the site"
    assert time.monotonic() - begun < 2.0


@pytest.mark.parametrize(
    ("commands", "events"), [(100, 500), pytest.param(500, 5000, marks=pytest.mark.exhaustive)]
)
def test_commands_and_events_do_not_hold_each_other_up(
    bot: Callable[..., Relay], chat: BotSink, commands: int, events: int
) -> None:
    """While GitLab sends and Mattermost is slow: each command within a second, and no event lost."""
    relay = bot("digest_from = 0")
    relay.start()
    chat.seconds, chat.asking_seconds = 0.05, 3.0
    statuses: list[int] = []
    sending = threading.Thread(
        target=lambda: statuses.extend(send(relay, issue(number)).status_code for number in range(events))
    )
    sending.start()
    slowest = 0.0
    gap = 10.0 / 500
    for number in range(commands):
        begun = time.monotonic()
        assert ask(relay, "status", user_id=f"person{number:020d}")
        slowest = max(slowest, time.monotonic() - begun)
        time.sleep(max(0.0, gap - (time.monotonic() - begun)))
    sending.join()
    assert set(statuses) == {200}
    assert slowest < 1.0
    chat.seconds = 0.0
    wait_for(lambda: undelivered(relay) == 0, 300)
    shown = " ".join(each.shown for each in chat.written("dev"))
    assert all(f"Issue {number}" in shown for number in range(events))
