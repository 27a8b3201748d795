"""What conversations show where they may not, mention, and remember: nothing."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.routing import Route
from tests.postgresql import on_both_spools
from tests.unit.acts_world import HEAD, comment
from tests.unit.conversation_events import (
    ALEX,
    OPEN,
    by,
    change,
    deployment,
    issue,
    job,
    life,
    main,
    on_issue,
    relabeled,
)
from tests.unit.conversations_world import (
    Make,
    Somebody,
    shows,
)
from tests.unit.test_relays_messages import load

SECRET = Route(("secret",), confidential=True, conversations="threads")


class TestConfidential:
    """Nothing of what is confidential shows where it may not."""

    def test_an_issue_that_is_from_the_start(self, converse: Make) -> None:
        relay = converse(SECRET)
        chat = relay.hear(load("issue_confidential_open"), on_issue("Chut", internal=True))
        assert chat.posts() == []
        assert len(chat.posts("secret")) == 2

    def test_an_internal_comment(self, converse: Make) -> None:
        relay = converse(SECRET)
        chat = relay.hear(issue("open", 0), on_issue("Chut", internal=True), on_issue("Bonjour"))
        assert "1 commentaire" in shows(chat)
        assert "Chut" not in chat.shown()
        assert "Chut" in chat.shown("secret")

    @pytest.mark.parametrize("mode", ["threads", "in place", "single"])
    @pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 0, 3, 1), (3, 0, 2, 1), (0, 2, 1, 3)], ids=str)
    def test_an_internal_part_of_a_review(self, converse: Make, order: tuple[int, ...], mode: str) -> None:
        """It is joined to no public one, whichever comes first, and whatever the channels show."""
        secret, default = (
            Route((channel,), confidential=channel == "secret", conversations=mode)  # type: ignore[arg-type]
            for channel in ("secret", "dev")
        )
        relay = converse(secret, default=default)
        hidden = [by(comment(number, f"Chut {number}"), *ALEX) for number in (1, 2)]
        for payload in hidden:
            payload["object_attributes"]["internal"] = True
        review = [*hidden, by(comment(3, "Bonjour"), *ALEX), by(change("approved", 41, HEAD), *ALEX)]
        relay.live([OPEN])
        relay.live([review[number] for number in order])
        for each in relay.chat.notifications:
            shown = "".join(every_text(each))
            if each.channel == "dev":
                assert "Chut" not in shown
                assert "confidential" not in (each.conversation or "")
            else:
                assert "Bonjour" not in shown
                assert "approuv" not in shown
        hidden_messages = [each for each in relay.chat.notifications if "Chut" in "".join(every_text(each))]
        assert len(hidden_messages) == (mode != "in place"), "the internal ones are still one review"
        assert ("Bonjour" in relay.chat.shown()) == (mode != "in place")
        assert "1 commentaire" in relay.chat.shown() or mode == "single"

    @pytest.mark.parametrize("routes", [[], [SECRET]])
    def test_an_issue_that_becomes_so(self, converse: Make, routes: list[Route]) -> None:
        relay = converse(*routes)
        relay.hear(issue("open", 0, title="Mot de passe"))
        change = {"changes": {"confidential": {"previous": False, "current": True}}}
        chat = relay.hear(
            issue("update", 2, title="Mot de passe", confidential=True) | change,
            # Told late, and of before.
            relabeled(issue("update", 1, title="Mot de passe")),
        )
        assert shows(chat).startswith("🔒 [Issue #14](")
        assert "Mot de passe" not in shows(chat)
        assert ("Mot de passe" in chat.shown("secret")) == bool(routes)
        back = issue("update", 3, title="Mot de passe", confidential=False)
        chat = relay.hear(back | {"changes": {"confidential": {"previous": True, "current": False}}})
        assert "Mot de passe" in shows(chat)

    def test_what_no_route_takes_is_not_remembered(self, converse: Make) -> None:
        relay = converse()
        relay.hear(load("issue_confidential_open"))
        assert relay.relay.store.read("SELECT * FROM conversation_states") == []


HOSTILE = (
    "@all @leo <!here> ~town [x](https://evil.example/@leo) `@all ![](http://evil.example/a.png)\n# @here"
)


def hostile(value: Any) -> Any:
    """A payload of which every text that people choose is hostile."""
    chosen = (
        "title",
        "name",
        "description",
        "note",
        "message",
        "build_name",
        "environment",
        "commit_title",
        "ref",
    )
    if isinstance(value, dict):
        return {
            key: HOSTILE if key in chosen and isinstance(each, str) else hostile(each)
            for key, each in value.items()
        }
    return [hostile(each) for each in value] if isinstance(value, list) else value


def test_hostile_text_mentions_nobody(converse: Make) -> None:
    relay = converse(mute=Mute(jobs=False), directory=Somebody({"leo": "", "cmorel": "", "lperrin": ""}))
    moments = [[hostile(payload) for payload in moment] for moment in life()]
    moments += [
        [hostile(payload)] for payload in (load("release_create"), deployment("success", 1), job("failed", 1))
    ]
    moments += [[hostile(payload)] for payload in (issue("open", 0), on_issue("x"), main("failed", 3))]
    relay.live(*moments)
    texts = [text for each in relay.chat.notifications for text in every_text(each)]
    assert len(texts) > 100
    # Whoever a comment mentions on purpose, as far as the relay knows them, and nobody else.
    found = {name for text in texts for name in re.findall(r"@(?!\u200b)\S*", outside_code(text))}
    assert found <= {"@leo\u200b"}
    assert [text for text in texts if re.search(r"<(?!\u200b)[!@#]", text)] == []
    assert not any(node.type == "image" for text in texts for node in nodes_of(text))


def outside_code(text: str) -> str:
    """The text without its code, in which nobody is mentioned."""
    return "\n".join(node.content for node in nodes_of(text) if node.type == "text")


def nodes_of(text: str) -> Iterator[SyntaxTreeNode]:
    return SyntaxTreeNode(MarkdownIt("commonmark").parse(text)).walk()


def every_text(each: Any) -> Iterator[str]:
    for message in (each.message, each.root):
        payload = message.payload() if message else {}
        yield str(payload.get("text", ""))
        for box in payload.get("attachments", []):
            yield from (str(box[key]) for key in ("title", "text", "fallback"))
            yield from (field["value"] for field in box["fields"])


@on_both_spools
def test_what_nobody_has_touched_for_long_is_forgotten(converse: Make) -> None:
    relay = converse()
    relay.hear(OPEN)
    relay.relay.let_time_pass(181 * 24 * 3600)
    relay.hear(issue("open", 0))
    assert [name for (name,) in relay.relay.store.read("SELECT name FROM conversation_states")] == [
        "taaf/projet-test-taaf#14"
    ]
    assert len(relay.relay.store.read("SELECT * FROM conversation_roots")) == 1


def test_a_state_is_bounded(converse: Make) -> None:
    relay = converse()
    votes = [by(change("approved", number % 60, HEAD), f"user{number}") for number in range(120)]
    relay.hear(OPEN, *votes)
    ((state,),) = relay.relay.store.read("SELECT state FROM conversation_states")
    assert len(state) < 20_000
