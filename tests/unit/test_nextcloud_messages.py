"""Messages about documents beyond the mission's: who, a link, every kind of news, many at once, private names."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relays.nextcloud import announcing, document, names
from relays.nextcloud.news import Kind, News
from relays.nextcloud.telling import Discretion, Telling
from relays.wording import CATALOGUES
from tests.unit.test_relays_markup import TEXTS, assert_inert

NOON = datetime(2026, 11, 25, 12, 3, 4)
LINK = "https://cloud.taaf.internal/f/42"


def telling(discretion: str = "full", **more: Any) -> Telling:
    return Telling("Documents_RH", "rh", "", discretion=Discretion(discretion), **more)


def news(path: str, kind: Kind = Kind.NEW, who: str = "Camille Morel", link: str = LINK) -> News:
    return News(kind, path, 2048, NOON, who, link)


def box(told: Telling, what: News) -> dict[str, Any]:
    payload: dict[str, Any] = document.build(told, CATALOGUES["fr"], what).payload()
    (found,) = payload["attachments"]
    return dict(found)


def counted(told: Telling, *what: News) -> list[str]:
    """The texts of the messages about these documents together."""
    found = announcing.together(told, CATALOGUES["fr"], what)
    return [str(each.notification.message.payload().get("text")) for each in found]


def test_who_and_a_link_are_shown_if_they_are_known() -> None:
    known = box(telling(), news("Contrats/a.pdf"))
    assert known["title_link"] == LINK
    assert known["fields"][-1] == {"short": True, "title": "👤 Déposé par", "value": "Camille Morel"}
    unknown = box(telling(), news("Contrats/a.pdf", who="", link=""))
    assert "title_link" not in unknown
    assert unknown["fields"] == known["fields"][:-1]


@pytest.mark.parametrize("discretion", ["masked", "count"])
def test_a_link_does_not_tell_the_name_that_is_private(discretion: str) -> None:
    assert "title_link" not in box(telling(discretion), news("Contrats/a.pdf"))
    (text,) = counted(telling(discretion), news("Contrats/a.pdf"), news("Contrats/b.pdf"))
    assert LINK not in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        *(("contrat.pdf", "c••••••.pdf"), ("Z", "Z••••••"), ("CV.PDF", "C••••••.pdf")),
        *(("Jean.Dupont", "J••••••"), ("a.tar.odt", "a••••••.odt"), ("été", "é••••••")),
    ],
)
def test_a_masked_name(name: str, shown: str) -> None:
    """What follows a dot is an extension only if it is known for one."""
    assert names.shown(telling("masked", icons={"odt": "📜"}), f"Contrats/{name}") == shown


def test_many_documents_in_one_message() -> None:
    lot = [news(f"Contrats/{number}.pdf", link=LINK if number else "") for number in range(5)]
    (text, *_) = counted(telling(), *lot, news("x.pdf"))
    assert text == (
        "**📁 6 nouveaux documents RH déposés**\n\n"
        f"- **Contrats** : 5 (`0.pdf`, [\u200b1.pdf]({LINK}), [\u200b2.pdf]({LINK}), …)\n"
        f"- **Documents_RH** : 1 ([x.pdf]({LINK}))"
    )
    assert counted(telling("count"), news("Contrats/a.pdf")) == [
        "**📁 Un nouveau document RH déposé**\n\n- **Contrats** : 1"
    ]


def test_each_kind_of_news_has_its_message_and_one_document_its_own() -> None:
    lot = [news(f"{number}.pdf", kind) for kind in Kind for number in range(2)]
    assert len(counted(telling(), *lot)) == 4
    (alone, many) = announcing.together(
        telling(),
        CATALOGUES["fr"],
        [news("a.pdf", Kind.DELETED), *(news(f"{n}.pdf") for n in range(2))][::-1],
    )
    assert (len(alone.lines), alone.lines[0].partition(" ")[2]) == (1, "kind=new folder='' documents=2")
    assert many.lines[0].endswith("kind=deleted path='a.pdf'")


@settings(max_examples=30)
@given(
    st.lists(st.tuples(TEXTS, TEXTS), min_size=2, max_size=40, unique=True),
    st.sampled_from(list(Discretion)),
)
def test_whatever_names_hold_it_stays_text_within_the_limits(
    paths: list[tuple[str, str]], discretion: Discretion
) -> None:
    lot = [
        news(f"{folder.replace('/', '')}/{name.replace('/', '') or 'x'}", link="") for folder, name in paths
    ]
    (announcement,) = announcing.together(telling(discretion), CATALOGUES["fr"], lot)
    message = announcement.notification.message
    text = str(message.payload()["text"])
    assert len(text) < 14_000
    assert len(message.summary) < 2_000
    assert_inert(message.summary)
    if discretion is Discretion.COUNT:  # without names, which are code
        for line in text.split("\n")[2:]:
            assert_inert(line)
