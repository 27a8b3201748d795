"""The button of a document: who takes it, what its first post shows then, and what that outlasts."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relays.mattermost.buttons import LONG_LIFETIME_SECONDS, Signer
from tests.postgresql import on_both_spools
from tests.relays import slash
from tests.relays.bot_sink import BotSink, Call, Written
from tests.relays.documented import CHANNEL, Pair, chat, pair
from tests.relays.pressing import ADDRESS, buttons, press, request_of, send_press
from tests.relays.process import wait_for
from tests.relays.sink import OK, Reply
from tests.relays.slash import ALICE, BOB, COMMAND_TOKEN, ask, introduce
from tests.waiting import wait_until

__all__ = ["chat", "pair"]

ALL = '["new", "moved_in", "version", "deleted"]'
WHEN = r"\d\d/\d\d/\d{4} à \d\d:\d\d"
TAKEN = "🙋 Vous prenez ce document en charge : le premier message du fil le dit."
NOT_ANY_MORE = "🔒 Ce bouton n'est plus valable ; rien n'a été fait."
NO_ROOT = "🔒 Ce message n'est plus le premier d'un fil du relais ; rien n'a été fait."


def names(post: Written) -> list[str]:
    """What the buttons of a post say."""
    return [each["name"] for each in buttons(post).values()]


def taken_by(post: Written) -> str:
    """What a post shows of who has taken the document, nothing if nobody has."""
    fields = [each for box in post.props["attachments"] for each in box["fields"]]
    return next((each["value"] for each in fields if each["title"] == "🙋 Pris en charge"), "")


def taken(post: Written) -> None:
    """Wait until it shows that somebody has."""
    wait_for(lambda: taken_by(post), what="the root shows who has taken the document")


@on_both_spools
def test_who_takes_a_document_is_written_into_its_first_post(
    pair: Callable[..., Pair], chat: BotSink
) -> None:
    """Once, by one person, over kills of both relays; the post is edited in place, mentions nobody, and says it all."""
    relays = pair()
    relays.start()
    root = relays.bring("Contrats/alex.pdf")
    assert names(root) == ["Pris en charge"]
    assert buttons(root)["take"]["integration"]["url"] == ADDRESS
    held, posts = request_of(chat, root, "take"), len(chat.written(CHANNEL))
    assert press(relays.gitlab, chat, root, "take") == TAKEN
    taken(root)
    assert re.fullmatch(f"par alice, le {WHEN}", taken_by(root))
    assert names(root) == []
    for kill in (False, True):
        if kill:
            relays.nextcloud.kill()
            relays.gitlab.kill()
            relays.start()
        said = send_press(relays.gitlab, held).json()["ephemeral_text"]
        assert re.fullmatch(f"🙋 Vous avez déjà pris ce document en charge, le {WHEN}.", said)
        said = send_press(relays.gitlab, {**held, "user_id": BOB}).json()["ephemeral_text"]
        assert re.fullmatch(r"🙋 alice has taken this document already, on [\d-]{10} at \d\d:\d\d\.", said)
    assert len(chat.written(CHANNEL)) == posts, "edited in place"
    assert "@" not in str(root.props["attachments"])


def test_it_stays_taken_whatever_version_comes(pair: Callable[..., Pair], chat: BotSink) -> None:
    """Its first post shows the new version, and who has the document; that it is gone, as well."""
    relays = pair(f"announce = {ALL}")
    relays.start()
    root = relays.bring("Contrats/alex.pdf")
    press(relays.gitlab, chat, root, "take", BOB)
    taken(root)
    by = taken_by(root)
    assert by.startswith("par bob, le ")
    (relays.tree / "Contrats/alex.pdf").write_bytes(b"another version")
    wait_for(lambda: "Nouvelle version" in root.shown)
    assert (taken_by(root), names(root)) == (by, [])
    (relays.tree / "Contrats/alex.pdf").unlink()
    wait_for(lambda: "retiré" in root.shown)
    assert (taken_by(root), names(root)) == (by, [])


def _context(chat: BotSink, root: Written, **changes: Any) -> dict[str, Any]:
    return {**request_of(chat, root, "take")["context"], **changes}


def _signed_by(chat: BotSink, root: Written, token: str, days: float = 0.0) -> dict[str, Any]:
    signer = Signer(ADDRESS, [token], lambda: time.time() - days * 86400, LONG_LIFETIME_SECONDS)
    about = request_of(chat, root, "take")["context"]["conversation"]
    action = {"id": "take", "integration": {"context": {"conversation": about}}}
    message: Any = signer.signed({"attachments": [{"actions": [action]}]}, chat.ids[CHANNEL])
    return dict(message["attachments"][0]["actions"][0]["integration"]["context"])


Changes = Callable[[BotSink, Written, Written], dict[str, Any]]
REFUSED: dict[str, tuple[Changes, str]] = {
    "another action": (
        lambda chat, root, other: {"context": _context(chat, root, action="mute")},
        NOT_ANY_MORE,
    ),
    "another conversation": (
        lambda chat, root, other: {
            "context": _context(chat, root, conversation=_context(chat, other)["conversation"])
        },
        NOT_ANY_MORE,
    ),
    "a longer life": (
        lambda chat, root, other: {"context": _context(chat, root, expires=int(time.time()) + 10**8)},
        NOT_ANY_MORE,
    ),
    "no signature of ours": (
        lambda chat, root, other: {"context": _context(chat, root, signature="0" * 64)},
        NOT_ANY_MORE,
    ),
    "another key": (
        lambda chat, root, other: {"context": _signed_by(chat, root, "another0token")},
        NOT_ANY_MORE,
    ),
    "another channel": (
        lambda chat, root, other: {"channel_id": slash.HOME, "channel_name": "home"},
        NOT_ANY_MORE,
    ),
    "its time is over": (
        lambda chat, root, other: {"context": _signed_by(chat, root, COMMAND_TOKEN, days=91)},
        "⌛ Ce bouton a expiré ; rien n'a été fait.",
    ),
    "a post of another document": (lambda chat, root, other: {"post_id": other.id}, NO_ROOT),
    "a post of people's": (lambda chat, root, other: {"post_id": "apostofpeople"}, NO_ROOT),
    "somebody outside of the channel": (
        lambda chat, root, other: {"user_id": BOB},
        "🔒 For the members of this channel, bots excepted; nothing was done.",
    ),
    "a bot": (
        lambda chat, root, other: {"user_id": "robot000000000000000000001"},
        "🔒 Réservé aux membres de ce canal, bots exclus ; rien n'a été fait.",
    ),
    "somebody who has gone": (
        lambda chat, root, other: {"user_id": "gone0000000000000000000001"},
        "⚠️ Mattermost n'a pas dit qui vous êtes ; rien n'a été fait.",
    ),
    "nobody": (
        lambda chat, root, other: {"user_id": "nobody00000000000000000001"},
        "⚠️ Mattermost n'a pas dit qui vous êtes ; rien n'a été fait.",
    ),
}


def test_whoever_may_not_is_refused_and_nothing_is_done(pair: Callable[..., Pair], chat: BotSink) -> None:
    relays = pair()
    relays.start()
    root, other = relays.bring("Contrats/alex.pdf"), relays.bring("Contrats/sacha.pdf")
    introduce(chat, "robot000000000000000000001", "robot", "fr", is_bot=True)
    introduce(chat, "gone0000000000000000000001", "gone", "fr", delete_at=1)
    chat.outside.add(BOB)
    answers = {
        what: press(relays.gitlab, chat, root, "take", **changes(chat, root, other))
        for what, (changes, _) in REFUSED.items()
    }
    wrong = {what: said for what, said in answers.items() if not said.startswith(REFUSED[what][1])}
    assert wrong == {}
    assert relays.rows("SELECT count(*) FROM document_threads WHERE taken_at IS NOT NULL") == [(0,)]
    assert press(relays.gitlab, chat, root, "take") == TAKEN
    taken(root)
    assert not taken_by(other)


def test_without_the_nextcloud_relay_nothing_is_done_and_that_is_said(
    pair: Callable[..., Pair], chat: BotSink
) -> None:
    """Stopped, killed, and with a socket that nobody listens at any more."""
    relays = pair()
    relays.start()
    root = relays.bring("Contrats/alex.pdf")
    nobody = "⚠️ Le relais de Nextcloud ne répond pas ; rien n'a été fait. Réessayez dans une minute."
    relays.nextcloud.kill()
    assert relays.socket.exists()
    assert press(relays.gitlab, chat, root, "take") == nobody
    relays.socket.unlink()
    assert press(relays.gitlab, chat, root, "take") == nobody
    relays.nextcloud.start()
    assert press(relays.gitlab, chat, root, "take") == TAKEN
    taken(root)


def test_what_cannot_be_stored_is_not_done(pair: Callable[..., Pair], chat: BotSink) -> None:
    relays = pair()
    relays.start()
    root = relays.bring("Contrats/alex.pdf")
    relays.nextcloud.limit_file_size(0)
    failing = (
        "⚠️ Le relais de Nextcloud ne peut rien enregistrer ; rien n'a été fait. Réessayez dans une minute."
    )
    assert press(relays.gitlab, chat, root, "take") == failing
    relays.nextcloud.limit_file_size(-1)
    wait_for(lambda: press(relays.gitlab, chat, root, "take") == TAKEN)
    taken(root)


def test_a_kill_between_the_press_and_the_edit_loses_neither(
    pair: Callable[..., Pair], chat: BotSink
) -> None:
    relays = pair()
    relays.start()
    root = relays.bring("Contrats/alex.pdf")
    edits: list[Call] = []

    def refuse(call: Call) -> Reply:
        if call.kind != "patch":
            return OK
        edits.append(call)
        return Reply(503)

    chat.behave = refuse
    assert press(relays.gitlab, chat, root, "take") == TAKEN
    wait_for(lambda: edits)
    relays.nextcloud.kill()
    assert not taken_by(root)
    chat.behave = lambda call: OK
    relays.nextcloud.start()
    taken(root)
    assert taken_by(root).startswith("par alice, le ")


def test_a_document_that_is_gone_is_not_taken(pair: Callable[..., Pair], chat: BotSink) -> None:
    """Whether its removal is announced, which takes the button away, or not."""
    relays = pair()
    relays.start()
    root = relays.bring("Contrats/alex.pdf")
    (relays.tree / "Contrats/alex.pdf").unlink()
    wait_for(lambda: relays.rows("SELECT count(*) FROM documents WHERE conversation <> ''") == [(0,)])
    removed = "Ce document n'est plus dans le dossier : il n'y a plus rien à prendre en charge."
    assert press(relays.gitlab, chat, root, "take") == removed


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("discretion", "shown"), [("full", "alex.pdf"), ("masked", "a••••••.pdf"), ("count", "")]
)
def test_discretion_holds_in_what_is_taken(
    pair: Callable[..., Pair], chat: BotSink, discretion: str, shown: str
) -> None:
    """What is only counted has no first post of its own, so there is nothing to take."""
    relays = pair(f'discretion = "{discretion}"')
    relays.start()
    root = relays.bring("Contrats/alex.pdf")
    if not shown:
        assert buttons(root) == {}
        assert relays.rows("SELECT count(*) FROM document_threads") == [(0,)]
        return
    press(relays.gitlab, chat, root, "take")
    taken(root)
    assert shown in str(root.props)
    assert ("alex" in str(root.props)) == (discretion == "full")


def test_without_the_setting_posts_have_no_button(pair: Callable[..., Pair], chat: BotSink) -> None:
    relays = pair(buttons=False)
    relays.start()
    assert buttons(relays.bring("Contrats/alex.pdf")) == {}
    assert not relays.socket.exists()
    assert ask(relays.gitlab, "take").startswith("Sur ce site, les documents ne se prennent pas en charge")


def test_in_another_channel_of_the_tree_it_is_taken_as_well(pair: Callable[..., Pair], chat: BotSink) -> None:
    """A conversation begins anew there, with the next version, and its first post has the button."""
    relays = pair()
    relays.start()
    before = relays.bring("Contrats/alex.pdf")
    relays.nextcloud.terminate()
    relays.nextcloud.configure(f'{relays.nextcloud.settings}\nchannel = "home"\n')
    relays.nextcloud.start()
    (relays.tree / "Contrats/alex.pdf").write_bytes(b"another version")
    wait_for(
        lambda: chat.roots("home") and not relays.rows("SELECT 1 FROM conversation WHERE post_id IS NULL")
    )
    (root,) = chat.roots("home")
    assert press(relays.gitlab, chat, before, "take").startswith(NO_ROOT)
    assert press(relays.gitlab, chat, root, "take") == TAKEN
    taken(root)


def test_a_tree_that_is_watched_again_has_no_former_buttons(
    pair: Callable[..., Pair], chat: BotSink, tmp_path: Path
) -> None:
    """Its documents are there, and who presses under the post of then does not hear that they are not."""
    relays = pair()
    relays.start()
    root = relays.bring("Contrats/alex.pdf")
    described = relays.nextcloud.settings
    (tmp_path / "other").mkdir()
    for settings in (described.replace(str(relays.tree), str(tmp_path / "other")), described):
        relays.nextcloud.terminate()
        relays.nextcloud.configure(settings)
        relays.nextcloud.start()
    assert press(relays.gitlab, chat, root, "take").startswith(NO_ROOT)
    new = relays.bring("Contrats/sacha.pdf")
    assert press(relays.gitlab, chat, new, "take") == TAKEN


def test_what_somebody_is_called_acts_on_nothing(pair: Callable[..., Pair], chat: BotSink) -> None:
    introduce(chat, ALICE, "here", "fr")
    introduce(chat, BOB, "_bob_~town", "fr")
    relays = pair()
    relays.start()
    for user, file, shown in ((ALICE, "a.pdf", "par here"), (BOB, "b.pdf", "par \\_bob\\_")):
        root = relays.bring(f"Contrats/{file}")
        press(relays.gitlab, chat, root, "take", user)
        taken(root)
        assert taken_by(root).startswith(shown)
        assert "@" not in taken_by(root)


def test_a_rotation_signs_the_buttons_anew(pair: Callable[..., Pair], chat: BotSink, tmp_path: Path) -> None:
    """Nothing else changes the first post of a document that waits for somebody; those that are taken stay."""
    relays = pair()
    relays.start()
    root, other = relays.bring("Contrats/alex.pdf"), relays.bring("Contrats/sacha.pdf")
    press(relays.gitlab, chat, other, "take")
    taken(other)
    before, edits = request_of(chat, root, "take"), len(other.shown_before)
    for relay in (relays.gitlab, relays.nextcloud):
        relay.terminate()
        slash.hand_token(relay.home, "another0token")
        relay.start()
    wait_for(lambda: request_of(chat, root, "take")["context"] != before["context"])
    assert send_press(relays.gitlab, before).json()["ephemeral_text"].startswith(NOT_ANY_MORE)
    assert press(relays.gitlab, chat, root, "take") == TAKEN
    taken(root)
    assert len(other.shown_before) == edits
    signed = request_of(chat, relays.bring("Contrats/noa.pdf"), "take")["context"]
    relays.nextcloud.terminate()
    relays.nextcloud.start()
    last = relays.bring("Contrats/lou.pdf")
    assert wait_until("the button", lambda: buttons(last))
    again = next(each for each in chat.roots(CHANNEL) if "noa.pdf" in str(each.props))
    assert request_of(chat, again, "take")["context"] == signed, "a start by itself edits nothing"
