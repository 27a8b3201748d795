"""Buttons under what is open: what they do, whom they refuse, and what they outlast."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relays.mattermost.buttons import Signer
from relays.sources.gitlab.commands.small_body import MOST_BYTES
from tests.postgresql import on_both_spools
from tests.relays import slash
from tests.relays.bot_sink import BotSink, Written
from tests.relays.commanded import bot, chat
from tests.relays.events import body, changed, issue, send
from tests.relays.pressing import ADDRESS, SETTING, buttons, press, request_of, send_press
from tests.relays.process import Relay, undelivered, wait_for
from tests.relays.slash import ALICE, BOB, COMMAND_TOKEN, ask, introduce
from tests.waiting import wait_until

__all__ = ["bot", "chat"]

THREAD = "taaf/projet-test-taaf!8"
NOT_ANY_MORE = "🔒 Ce bouton n'est plus valable ; rien n'a été fait."


def opened(relay: Relay, chat: BotSink) -> Written:
    """The root of a merge request that was opened just now."""
    relay.start()
    send(relay, body("merge_request_open.json"))
    wait_for(lambda: len(chat.roots("dev")) == 1 and undelivered(relay) == 0)
    return chat.roots("dev")[0]


def names(post: Written) -> list[str]:
    """What its buttons say."""
    return [each["name"] for each in buttons(post).values()]


@on_both_spools
def test_silence_is_that_of_the_conversation_for_who_administers_the_channel(
    bot: Callable[..., Relay], chat: BotSink
) -> None:
    """With the rights of `mute`; the channel hears of it once, however often it is pressed, over a kill too."""
    relay = bot(commands=SETTING)
    root = opened(relay, chat)
    assert names(root) == ["Je relis", "Silence 1 h"]
    assert (
        press(relay, chat, root, "mute") == "🔒 Réservé à ceux qui administrent ce canal, et aux opérateurs."
    )
    assert press(relay, chat, root, "mute", BOB).startswith("🔒 For those who administer this channel")
    chat.managers.add((slash.DEV, ALICE))
    assert press(relay, chat, root, "mute") == f"🔕 Silence pendant 1 h : `{THREAD}`. `mute off` le lève."
    wait_for(lambda: len(chat.roots("dev")) == 2)
    assert chat.roots("dev")[1].shown == f"🔕 alice demande le silence dans ce canal pendant 1 h : `{THREAD}`"
    relay.kill()
    relay.start()
    assert press(relay, chat, root, "mute").startswith("🔕 Silence pendant 1 h")
    send(relay, changed("merge_request_update_labels_only", title="Muet"))
    send(relay, issue(1))
    wait_for(lambda: any("Issue 1" in each.shown for each in chat.roots("dev")))
    assert len(chat.roots("dev")) == 3, "said once"
    assert f"`{THREAD}`" in ask(relay, "mute")


@on_both_spools
def test_who_reviews_is_said_in_the_thread_once_for_each(bot: Callable[..., Relay], chat: BotSink) -> None:
    relay = bot(commands=SETTING)
    root = opened(relay, chat)
    done = "👀 C'est dit dans le fil. Dans GitLab, rien ne change : personne n'y est ajouté aux relecteurs."
    assert press(relay, chat, root, "review") == done
    wait_for(lambda: [each.shown for each in chat.replies(root)] == ["👀 alice relit cette merge request."])
    relay.kill()
    relay.start()
    assert press(relay, chat, root, "review") == "👀 Vous l'avez déjà dit dans ce fil."
    assert press(relay, chat, root, "review", BOB).startswith("👀 The thread says so.")
    wait_for(lambda: len(chat.replies(root)) == 2)
    assert chat.replies(root)[1].shown == "👀 bob relit cette merge request.", (
        "in the language of the channel"
    )


def _context(chat: BotSink, root: Written, **changes: Any) -> dict[str, Any]:
    return {**request_of(chat, root, "review")["context"], **changes}


REFUSED: dict[str, tuple[Callable[[BotSink, Written], dict[str, Any]], str]] = {
    "another action": (lambda chat, root: {"context": _context(chat, root, action="mute")}, NOT_ANY_MORE),
    "an unknown action": (lambda chat, root: {"context": _context(chat, root, action="drop")}, NOT_ANY_MORE),
    "another conversation": (
        lambda chat, root: {"context": _context(chat, root, conversation="taaf/autre!1")},
        NOT_ANY_MORE,
    ),
    "a longer life": (
        lambda chat, root: {"context": _context(chat, root, expires=int(time.time()) + 10**7)},
        NOT_ANY_MORE,
    ),
    "no signature of ours": (
        lambda chat, root: {"context": _context(chat, root, signature="0" * 64)},
        NOT_ANY_MORE,
    ),
    "another channel": (lambda chat, root: {"channel_id": slash.HOME, "channel_name": "home"}, NOT_ANY_MORE),
    "a post of people's": (
        lambda chat, root: {"post_id": "apostofpeople"},
        "🔒 Ce message n'est plus le premier d'un fil du relais ; rien n'a été fait.",
    ),
    "somebody outside of the channel": (
        lambda chat, root: {"user_id": slash.BOB},
        "🔒 For the members of this channel, bots excepted; nothing was done.",
    ),
    "a bot": (
        lambda chat, root: {"user_id": "robot000000000000000000001"},
        "🔒 Réservé aux membres de ce canal, bots exclus ; rien n'a été fait.",
    ),
    "somebody who has gone": (
        lambda chat, root: {"user_id": "gone0000000000000000000001"},
        "⚠️ Mattermost n'a pas dit qui vous êtes ; rien n'a été fait. Réessayez dans une minute.",
    ),
    "nobody": (
        lambda chat, root: {"user_id": "nobody00000000000000000001"},
        "⚠️ Mattermost n'a pas dit qui vous êtes ; rien n'a été fait. Réessayez dans une minute.",
    ),
}


def test_whoever_may_not_is_refused_and_nothing_is_done(bot: Callable[..., Relay], chat: BotSink) -> None:
    """Each in the language of who has pressed; of a signature that is not ours Mattermost is asked nothing."""
    relay = bot(commands=SETTING)
    root = opened(relay, chat)
    introduce(chat, "robot000000000000000000001", "robot", "fr", is_bot=True)
    introduce(chat, "gone0000000000000000000001", "gone", "fr", delete_at=1)
    chat.outside.add(BOB)
    before = len(chat.written("dev"))
    answers = {
        what: press(relay, chat, root, "review", **changes(chat, root))
        for what, (changes, _) in REFUSED.items()
    }
    wrong = {what: said for what, said in answers.items() if not said.startswith(REFUSED[what][1])}
    assert wrong == {}
    assert press(relay, chat, root, "review").startswith("👀 C'est dit")
    wait_for(lambda: len(chat.replies(root)) == 1 and undelivered(relay) == 0)
    assert len(chat.written("dev")) == before + 1
    assert "signature: the button is of another channel" in relay.text


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (6, "👀 The thread says so."),
        (
            8,
            "⌛ This button has expired; nothing was done. It works again once the post changes.",
        ),
    ],
)
def test_a_button_counts_for_a_week(bot: Callable[..., Relay], chat: BotSink, days: int, said: str) -> None:
    relay = bot(commands=SETTING)
    root = opened(relay, chat)
    before = Signer(ADDRESS, [COMMAND_TOKEN], lambda: time.time() - days * 86400)
    root.props = dict(before.signed(_unsigned(root), slash.DEV))
    assert press(relay, chat, root, "review", BOB).startswith(said)


def _unsigned(root: Written) -> dict[str, Any]:
    """The root as the relay stores it."""
    (box,) = root.props["attachments"]
    about = {"integration": {"context": {"conversation": THREAD}}}
    return {"attachments": [{**box, "actions": [{**each, **about} for each in box["actions"]]}]}


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{}", 400),
        (b"[" * 20_000, 400),
        (b"[" * (MOST_BYTES + 1), 413),
        (b'{"context": {}}', 400),
        (b'{"context": []}', 400),
        (b"\xff\x00", 400),
        (b"null", 400),
    ],
)
def test_what_is_no_press_is_refused(
    bot: Callable[..., Relay], chat: BotSink, content: bytes, status: int
) -> None:
    relay = bot(commands=SETTING)
    relay.start()
    assert send_press(relay, content).status_code == status
    assert send_press(relay, content, "GET").status_code == 405


def test_without_the_setting_there_are_none_and_no_address_for_them(
    bot: Callable[..., Relay], chat: BotSink
) -> None:
    relay = bot()
    assert buttons(opened(relay, chat)) == {}
    assert send_press(relay, b"{}").status_code == 404


def test_every_edit_brings_them_anew_until_there_is_nothing_to_be_done(
    bot: Callable[..., Relay], chat: BotSink
) -> None:
    """A change replaces all properties of a post; where buttons lead, and their signature, nobody can read back."""
    relay = bot(commands=SETTING)
    root = opened(relay, chat)
    integration = buttons(root)["mute"]["integration"]
    assert integration["url"] == ADDRESS
    assert set(integration["context"]) == {"action", "conversation", "expires", "signature"}
    send(relay, body("merge_request_update_labels_only.json"))
    wait_for(lambda: root.shown_before and undelivered(relay) == 0)
    assert names(root) == ["Je relis", "Silence 1 h"]
    assert press(relay, chat, root, "review").startswith("👀 C'est dit")
    held = request_of(chat, root, "review")
    send(relay, body("merge_request_merge.json"))
    wait_for(lambda: not buttons(root))
    late = send_press(relay, held | {"user_id": BOB}).json()["ephemeral_text"]
    assert late == "This merge request is not open any more: there is nothing to review."
    send(relay, issue(7))
    wait_for(lambda: any(names(each) == ["Silence 1 h"] for each in chat.roots("dev")))
    assert all(not buttons(reply) for post in chat.roots("dev") for reply in chat.replies(post))


def test_a_rotation_ends_those_that_were_there(
    bot: Callable[..., Relay], chat: BotSink, tmp_path: Path
) -> None:
    """Not while the former token is still known; the next edit of the root brings one that counts."""
    relay = bot(commands=SETTING)
    root = opened(relay, chat)
    for tokens, said in (
        (("another0token", COMMAND_TOKEN), "👀 C'est dit"),
        (("another0token",), NOT_ANY_MORE),
    ):
        relay.terminate()
        slash.hand_token(tmp_path, *tokens)
        relay.start()
        assert press(relay, chat, root, "review").startswith(said)
    send(relay, body("merge_request_update_labels_only.json"))
    wait_for(lambda: root.shown_before and undelivered(relay) == 0)
    assert press(relay, chat, root, "review") == "👀 Vous l'avez déjà dit dans ce fil."


def test_a_press_is_answered_however_slow_mattermost_is(bot: Callable[..., Relay], chat: BotSink) -> None:
    """Before it gives up after half a minute; events are taken meanwhile."""
    relay = bot(commands=SETTING)
    root = opened(relay, chat)
    chat.asking_seconds = 60.0
    held = request_of(chat, root, "mute")
    begun = time.monotonic()
    said = send_press(relay, held).json()["ephemeral_text"]
    assert time.monotonic() - begun < 28
    assert said.startswith(("⚠️ Mattermost n'a pas dit qui vous êtes", "⏳ Le relais n'a pas répondu à temps"))
    chat.asking_seconds = 0.0
    assert send(relay, issue(1)).status_code == 200


def test_buttons_leave_room_in_what_a_post_may_hold(bot: Callable[..., Relay], chat: BotSink) -> None:
    """Mattermost counts addresses and signatures as well: what is long has fewer fields, and its buttons."""
    relay = bot(commands=SETTING)
    relay.start()
    payload = json.loads(body("merge_request_open.json"))
    payload["labels"] = [{"title": "é<&>" * 60 + str(number)} for number in range(40)]
    payload["object_attributes"]["title"] = "&<" * 500
    payload["object_attributes"]["source_branch"] = "b" * 250
    send(relay, json.dumps(payload).encode())
    root = wait_until("the root", lambda: next(iter(chat.roots("dev")), None))
    assert root
    assert names(root) == ["Je relis", "Silence 1 h"]
    assert [call.kind for call in chat.calls] == ["post"], "none was refused first"
