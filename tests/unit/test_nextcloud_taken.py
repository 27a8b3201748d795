"""The first post of a document that somebody has taken, made of the one that was stored before."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from relays.mattermost.message import Message, restored
from relays.sources.nextcloud import document
from relays.sources.nextcloud.changes import Kind, News
from relays.sources.nextcloud.options import Discretion, TreeOptions
from relays.wording import CATALOGUES, Language

AT = datetime(2026, 11, 28, 14, 5).timestamp()
NAMES = ["alex.pdf", "@all <http://a|b> [x](y) `*_~#.pdf", "é" * 200 + ".docx", "<!channel>|>.txt", "​.pdf"]
# Mattermost 5.37 takes properties of so many characters (relays.mattermost.message).
MOST_CHARACTERS = 7_600


def root(name: str, kind: Kind = Kind.NEW, language: Language = "fr", **options: object) -> Message:
    tree = TreeOptions(tree="/srv/Documents_RH", footer="TAAF <a|b>", **options)  # type: ignore[arg-type]
    news = News(
        kind, f"Contrats/{name}", 2048, datetime(2026, 11, 27, 9, 0), "Sacha @all", "https://a.example/f/1"
    )
    return document.build(tree, CATALOGUES[language], news, "document:1")


def boxed(message: Message) -> dict[str, Any]:
    """Its box, as it is posted."""
    boxes: Any = message.payload()["attachments"]
    return dict(boxes[0])


@pytest.mark.parametrize("discretion", [Discretion.FULL, Discretion.MASKED])
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("name", NAMES)
def test_what_was_stored_is_the_same_message_again(name: str, kind: Kind, discretion: Discretion) -> None:
    """But for its buttons, which are not put back."""
    made = root(name, kind, discretion=discretion)
    assert made.attachment
    bare = replace(made, attachment=replace(made.attachment, buttons=()))
    stored = json.loads(json.dumps(made.payload()))
    again = restored(stored, made.summary)
    assert again.payload() == bare.payload()
    assert again.summary == made.summary
    assert restored({"username": "x", "icon_emoji": ":x:", "text": "a"}, "b").payload()["text"] == "a"


@pytest.mark.parametrize(
    ("language", "title", "said"),
    [
        ("fr", "🙋 Pris en charge", "par alice, le 28/11/2026 à 14:05"),
        ("en", "🙋 Taken", "by alice, on 2026-11-28 at 14:05"),
    ],
)
def test_it_says_who_and_when_in_the_place_of_the_button(language: Language, title: str, said: str) -> None:
    before = root("alex.pdf", language=language)
    box, old = boxed(document.taken(CATALOGUES[language], before, "alice", AT)), boxed(before)
    assert [each["name"] for each in old["actions"]] == [CATALOGUES[language]["button.take"]]
    assert "actions" not in box
    assert box["fields"] == [*old["fields"], {"short": False, "title": title, "value": said}]


@pytest.mark.parametrize("name", NAMES)
def test_it_finds_room_wherever_the_button_had_some(name: str) -> None:
    wording = {"new": "{{ '<&>' * 4000 }}"}
    for sentence in (wording, {}):
        before = root(name, wording=sentence)
        after = document.taken(CATALOGUES["fr"], restored(before.payload(), before.summary), "a" * 64, AT)
        box = boxed(after)
        text = json.dumps([box], ensure_ascii=False, separators=(",", ":"))
        assert len(text) + 5 * sum(text.count(each) for each in "<>&") <= MOST_CHARACTERS
        assert box["fields"][-1]["title"] == "🙋 Pris en charge"
