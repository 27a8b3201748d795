"""Conversations as a bot posts them: a root that shows the state, replies in its thread, each once and in order."""

from collections.abc import Callable
from pathlib import Path

import pytest

from relays.delivery.leases import AT_ONCE
from tests.postgresql import on_both_spools
from tests.relays.bot_sink import BOT_ID, BotSink
from tests.relays.conversations import Said, Speaker, judge, write
from tests.relays.process import wait_for

MR = "taaf/passerelle!12"
LIFE = [
    Said("e-0", None, f"open of {MR}", MR),
    Said("e-1", "alice pushed", f"open, 2 commits of {MR}", MR),
    Said("e-2", "bob commented", f"open, 2 commits of {MR}", MR),
    Said("e-3", None, f"open, green of {MR}", MR),
    Said("e-4", "bob approved", f"approved of {MR}", MR),
    Said("e-5", "alice merged", f"merged of {MR}", MR),
]


@on_both_spools
def test_a_conversation_is_one_thread_whose_root_shows_the_state(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path
) -> None:
    speaker = speaker_with()
    speaker.start()
    for number, each in enumerate(LIFE, start=1):
        write(news, [each])
        wait_for(lambda number=number: speaker.settled(number))  # type: ignore[misc]
        (root,) = mattermost.roots("dev")
        assert root.shown == each.shows
    (root,) = mattermost.roots("dev")
    assert [reply.shown for reply in mattermost.replies(root)] == [s.says for s in LIFE if s.says]
    assert root.shown_before == [
        f"{state} of {MR}" for state in ("open", "open, 2 commits", "open, green", "approved")
    ]
    assert root.keys == ["e-0"]
    assert root.props["from_bot"] == "true"
    assert root.props["override_username"] == "GitLab"
    # A root has no text beside its box here, so no edit of it is ever too late.
    assert not [call for call in mattermost.calls if call.kind == "patch" and "message" in call.body]


def test_what_has_no_conversation_is_a_post_of_its_own(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path
) -> None:
    speaker = speaker_with()
    speaker.start()
    write(news, [Said(f"e-{n}", f"news {n}", conversation="") for n in range(3)])
    wait_for(lambda: speaker.settled(3))
    assert [post.shown for post in mattermost.roots("dev")] == ["news 0", "news 1", "news 2"]


def test_a_direct_channel_is_that_with_a_person(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path
) -> None:
    speaker = speaker_with()
    speaker.start()
    write(news, [Said("e-0", "to do", conversation="", channel="@alice")])
    write(
        news,
        [Said("e-1", "never", conversation="", channel="@nobody"), Said("e-2", "there", None, "", "dev")],
    )
    wait_for(lambda: speaker.settled(3))
    assert [post.shown for post in mattermost.written("@alice")] == ["to do"]
    assert [post.shown for post in mattermost.written("dev")] == ["there"]
    assert speaker.parked() == 1
    assert "knows no user nobody" in speaker.text


@pytest.mark.parametrize("refused", ["channel", "post"])
def test_whom_mattermost_lets_nobody_write_to_holds_nobody_up(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path, refused: str
) -> None:
    """As where direct messages are restricted to people of one's teams; an operator may send them again."""
    mattermost.restricted = {"@alice": refused}
    speaker = speaker_with()
    speaker.start()
    write(
        news, [Said("e-0", "to do", conversation="", channel="@alice"), Said("e-1", "there", None, "", "dev")]
    )
    wait_for(lambda: speaker.settled(2))
    assert speaker.parked() == 1
    assert mattermost.written("@alice") == []
    assert [post.shown for post in mattermost.written("dev")] == ["there"]
    assert "Mattermost lets the bot write to @alice only in a team that both are in" in speaker.text


def test_an_event_of_two_channels_is_there_in_both(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path
) -> None:
    """Mattermost takes a repeated pending id for the same post, whatever the channel (measured)."""
    speaker = speaker_with()
    speaker.start()
    said = [Said(each.key, each.says, each.shows, MR, channel) for each in LIFE for channel in ("dev", "rh")]
    write(news, said)
    wait_for(lambda: speaker.settled(len(said)))
    assert judge(mattermost, said).holds, judge(mattermost, said)


def test_the_text_beside_a_box_is_edited_only_if_it_changes(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path
) -> None:
    speaker = speaker_with()
    speaker.start()
    states = [("open", "A title"), ("green", "A title"), ("merged", "Another title"), ("gone", None)]
    for number, (state, title) in enumerate(states, start=1):
        write(news, [Said(f"e-{number}", None, state, written=title)])
        wait_for(lambda number=number: speaker.settled(number))  # type: ignore[misc]
    patched = [call.body.get("message") for call in mattermost.calls if call.kind == "patch"]
    assert patched == [None, "Another title", ""]
    assert [root.shown for root in mattermost.roots("dev")] == ["gone"]


def test_a_channel_that_is_behind_says_it_in_one_reply_for_each_conversation(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path
) -> None:
    """And edits each root once, for all that has changed."""
    speaker = speaker_with("")
    mattermost.stop()
    speaker.start()
    said = [
        Said(f"{name}-{n}", f"{name} said {n}", f"state {n} of {name}", name)
        for n in range(30)
        for name in ("a!1", "b!2", "c!3")
    ]
    plain = [Said(f"p-{n}", f"plain {n}", None, "") for n in range(30)]
    write(
        news, [each for pair in zip(said[::3], said[1::3], said[2::3], plain, strict=True) for each in pair]
    )
    wait_for(lambda: speaker.count("outbox") == 120 and "unavailable" in speaker.text)
    mattermost.start()
    wait_for(lambda: speaker.settled(120))
    assert judge(mattermost, said).holds, judge(mattermost, said)
    roots = mattermost.roots("dev")
    threads = [root for root in roots if root.shown.startswith("state")]
    assert len(threads) == 3
    assert all(len(mattermost.replies(root)) <= 3 for root in threads)
    assert not any(root.shown_before for root in threads)
    assert [key for root in roots if root not in threads for key in root.keys] == [s.key for s in plain]
    assert len(roots) - len(threads) <= 3


def test_a_channel_that_is_behind_has_several_conversations_posted_at_the_same_time(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path
) -> None:
    """Of one conversation never two posts, and while the channel is not behind one after the other."""
    speaker = speaker_with("")
    mattermost.seconds = 0.05
    speaker.start()
    names = [f"c!{number}" for number in range(12)]
    few = [Said(f"{name}-0", None, f"open of {name}", name) for name in names]
    write(news, few)
    wait_for(lambda: speaker.settled(12))
    assert {len(calls) for calls in mattermost.at_once} == {1}
    mattermost.stop()
    more = [
        Said(f"{name}-{n}", f"news {n}", f"state {n} of {name}", name) for n in range(1, 11) for name in names
    ]
    write(news, more)
    wait_for(lambda: speaker.count("outbox") == 132 and "unavailable" in speaker.text)
    mattermost.start()
    wait_for(lambda: speaker.settled(132))
    assert 2 < max(len(calls) for calls in mattermost.at_once) <= AT_ONCE
    for calls in mattermost.at_once:
        assert len({call.root_id for call in calls}) == len(calls)
    assert judge(mattermost, [*few, *more]).holds, judge(mattermost, [*few, *more])
    # Each of the threads has one reply for all that has gathered, but the one that was tried before it had.
    assert sum(len(mattermost.replies(root)) for root in mattermost.roots("dev")) <= 13


def test_from_the_webhook_to_the_bot_and_back(
    speaker_with: Callable[..., Speaker], mattermost: BotSink, news: Path
) -> None:
    """Nothing is lost on the way, and a conversation that is known goes on where it was."""
    speaker = speaker_with()
    speaker.by_webhook()
    speaker.start()
    write(news, LIFE[:2])
    wait_for(lambda: speaker.count("outbox WHERE state = 'done'") == 2)
    assert [post.shown for post in mattermost.written("dev")] == [f"open of {MR}", "alice pushed"]
    assert speaker.terminate() == 0
    speaker.as_bot()
    speaker.start()
    write(news, LIFE[2:4])
    wait_for(lambda: speaker.settled(4))
    speaker.terminate()
    speaker.by_webhook()
    speaker.start()
    write(news, LIFE[4:5])
    wait_for(lambda: speaker.count("outbox WHERE state = 'done'") == 5)
    speaker.terminate()
    speaker.as_bot()
    # The root is brought up to date without anything new.
    speaker.start()
    wait_for(lambda: speaker.settled(5))
    (root,) = [post for post in mattermost.roots("dev") if post.user_id == BOT_ID]
    assert root.shown == f"approved of {MR}"
    write(news, LIFE[5:])
    wait_for(lambda: speaker.settled(6))
    assert [reply.shown for reply in mattermost.replies(root)] == ["bob commented", "alice merged"]
    by_hook = [post.shown for post in mattermost.roots("dev") if post.user_id != BOT_ID]
    assert by_hook == [f"open of {MR}", "alice pushed", "bob approved"]
    assert root.shown == f"merged of {MR}"
