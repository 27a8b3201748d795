"""What people ask and decide by slash command: why something did not arrive, what becomes of dead letters, silence."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgresql import on_both_spools
from tests.relays import slash
from tests.relays.bot_sink import BotSink
from tests.relays.commanded import bot, chat
from tests.relays.events import body, issue, send
from tests.relays.process import Relay, health, undelivered, wait_for
from tests.relays.sink import OK, Reply
from tests.relays.slash import ALICE, BOB, ask, introduce

__all__ = ["bot", "chat"]


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
    assert running.endswith(" — 🔇 passé sous silence : pas encore terminé (`mute.intermediate`)")
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


OLD, NEW = slash.DEV, "another0channel0000000000001"[:26]


@on_both_spools
def test_the_successor_of_a_renamed_channel_is_shown_nothing_of_it(
    bot: Callable[..., Relay], chat: BotSink
) -> None:
    """The channel is called otherwise now and another one as it was: either sees what was noted for it alone."""
    relay = bot('conversations = "single"')
    chat.managers |= {(OLD, ALICE), (NEW, ALICE)}
    relay.start()
    send(relay, issue(1))
    wait_for(lambda: "✅ publié" in ask(relay, "why"))
    number = re.findall(r"\*\*(\d+)\*\* ·", ask(relay, "why"))[0]
    # The bot goes on posting in the one that it knows.
    chat.ids |= {"dev": NEW, "dev-ancien": OLD}
    assert "`#1`" in ask(relay, "why", channel_name="dev-ancien", channel_id=OLD)
    assert ask(relay, "why", channel_id=NEW).startswith("Aucun événement pour ce canal")
    assert "n'est pas le numéro d'un événement" in ask(relay, f"replay {number}", channel_id=NEW)
    assert ask(relay, "mute 2h", channel_id=NEW).startswith("Aucune règle du site")
    # Until it looks again, such as after a start: then the settings lead to the new one.
    relay.terminate()
    relay.start()
    send(relay, issue(2))
    wait_for(lambda: "`#2`" in ask(relay, "why", channel_id=NEW))
    assert "`#1`" not in ask(relay, "why", channel_id=NEW)
    assert ask(relay, "why", channel_name="dev-ancien", channel_id=OLD).startswith("Aucun événement")


def test_by_webhook_a_channel_is_the_one_that_bears_the_name(chat: BotSink, tmp_path: Path) -> None:
    """As far as anybody has typed a command in either."""
    listen = '[listen]\naddress = "127.0.0.1"\nport = 0\n'
    own = f'channel = "home"\n{slash.settings(chat.url)}\n{listen}'
    relay = Relay("gitlab", tmp_path, chat.hook_url, own)
    slash.hand_token(tmp_path)
    relay.start()
    home = {"channel_name": "home"}
    assert "Aucun événement" in ask(relay, "why", **home)
    send(relay, issue(1))
    wait_for(lambda: "✅ publié" in ask(relay, "why", **home))
    wait_for(lambda: "Aucun événement" in ask(relay, "why", **home, channel_id=NEW))
    send(relay, issue(2))
    wait_for(lambda: "`#2`" in ask(relay, "why", **home, channel_id=NEW))
    assert "`#1`" not in ask(relay, "why", **home, channel_id=NEW)
    relay.close()


DEAD = "Réservé aux opérateurs"
ALL = "tout ce qui vient de GitLab"


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


@pytest.mark.sampled(2)
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
    assert ask(relay, "mute") == "🔔 Aucun silence en cours ici."
    assert ask(relay, "mute 2h") == f"🔕 Silence pendant 2 h : {ALL}. `mute off` le lève."
    wait_for(lambda: len(chat.written("dev")) == 1)
    assert chat.written("dev")[0].shown == f"🔕 alice demande le silence dans ce canal pendant 2 h : {ALL}"
    assert ask(relay, "mute 120m") == f"🔕 Silence pendant 2 h : {ALL}. `mute off` le lève.", "said once"
    relay.kill()
    relay.start()
    send(relay, issue(1))
    wait_for(lambda: "🔕 le canal l'avait mis en sourdine" in ask(relay, "why"))
    title, line = ask(relay, "mute", user_id=BOB).splitlines()
    assert (title, line.partition(" h — ")[2]) == ("**🔕 What is silent in this channel**", "alice")
    assert ask(relay, "mute off") == f"🔔 Le silence est levé : {ALL}."
    assert ask(relay, "mute off") == "🔔 Aucun silence en cours ici."
    send(relay, issue(2))
    wait_for(lambda: len(chat.written("dev")) == 3)
    assert [each.shown for each in chat.written("dev")][
        1
    ] == f"🔔 alice lève le silence dans ce canal : {ALL}"
    assert ask(relay, "mute 30m taaf/projet-test-taaf#3").startswith("🔕 Silence pendant 30 min : `taaf/")
    send(relay, issue(3))
    send(relay, issue(4))
    wait_for(lambda: any("Issue 4" in each.shown for each in chat.written("dev")))
    assert not any("Issue 3" in each.shown or "Issue 1" in each.shown for each in chat.written("dev"))


def test_in_a_thread_it_is_the_thread_that_is_silent(bot: Callable[..., Relay], chat: BotSink) -> None:
    """As 11.6 says which thread a command was typed in; elsewhere, and in a thread of people's, it is the channel."""
    relay = bot()
    chat.managers.add((slash.DEV, ALICE))
    relay.start()
    send(relay, body("merge_request_open.json"))
    wait_for(lambda: len(chat.roots("dev")) == 1)
    (root,) = chat.roots("dev")
    thread = "taaf/projet-test-taaf!8"
    assert ask(relay, "mute 2h", root_id=root.id).startswith(f"🔕 Silence pendant 2 h : `{thread}`")
    assert f"`{thread}`" in ask(relay, "mute")
    assert "levé" in ask(relay, "mute off", root_id=root.id)
    assert ask(relay, "mute 2h TAAF/Projet-Test-TAAF!8").startswith("🔕 Silence pendant 2 h : ")
    assert "levé" in ask(relay, "mute off", root_id=root.id), "however its path was written"
    assert ask(relay, "mute 2h", root_id="apostofpeople").startswith(f"🔕 Silence pendant 2 h : {ALL}")


def test_a_thread_that_has_no_number_is_not_silent_by_itself(
    bot: Callable[..., Relay], chat: BotSink
) -> None:
    """Who typed it right is not shown how to type it; that of a confidential issue is that of its number."""
    relay = bot('[[routes]]\nchannels = ["dev"]\nconfidential = true\n')
    chat.managers.add((slash.DEV, ALICE))
    relay.start()
    send(relay, body("pipeline_failed.json"))
    send(relay, body("issue_confidential_open.json"))
    wait_for(lambda: len(chat.roots("dev")) == 2)
    pipeline, confidential = (each.id for each in chat.roots("dev"))
    for text in ("mute 2h", "mute off"):
        assert ask(relay, text, root_id=pipeline).startswith("Ce fil n'est pas celui d'une merge request")
    assert "Usage" in ask(relay, "mute 2x", root_id=pipeline)
    assert re.match(r"🔕 Silence pendant 2 h : `[\w/-]+#\d+`\.", ask(relay, "mute 2h", root_id=confidential))
    assert ask(relay, "mute 2h taaf/site", root_id=pipeline).startswith(
        "🔕 Silence pendant 2 h : `taaf/site`"
    )


NO_SILENCE: dict[str, tuple[str, dict[str, str], str]] = {
    "who does not administer it": ("mute 2h", {"user_id": BOB}, "For those who administer this channel"),
    "who ends what is not theirs": ("mute off", {"user_id": BOB}, "For those who administer this channel"),
    "a channel that nothing comes to": (
        "mute 2h",
        {"channel_name": "home"},
        "Aucune règle du site n'amène d'événement de GitLab dans ce canal",
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
    assert ask(relay, "mute") == "🔔 Aucun silence en cours ici."
    assert "7 j" in ask(relay, "mute 365d"), "a week at most"
    send(relay, issue(1))
    wait_for(lambda: "en sourdine" in ask(relay, "why"))


def test_without_a_bot_nobody_decides(chat: BotSink, tmp_path: Path) -> None:
    listen = '[listen]\naddress = "127.0.0.1"\nport = 0\n'
    relay = Relay(
        "gitlab", tmp_path, chat.hook_url, f'channel = "home"\n{slash.settings(chat.url)}\n{listen}'
    )
    slash.hand_token(tmp_path)
    relay.start()
    assert "personne ne peut décider depuis le chat" in ask(relay, "dead retry all")
    relay.close()
