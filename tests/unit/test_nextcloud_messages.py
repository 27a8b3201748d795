"""Messages about documents beyond the mission's: who, a link, every kind of news, many at once, private names."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relays.sources.nextcloud import announcer as announcing
from relays.sources.nextcloud import document, names
from relays.sources.nextcloud.changes import Kind, News
from relays.sources.nextcloud.options import Discretion, TreeOptions
from relays.wording import CATALOGUES
from tests.unit.test_relays_markup import TEXTS, assert_inert

NOON = datetime(2026, 11, 25, 12, 3, 4)
LINK = "https://cloud.taaf.internal/f/42"


def tree_options(discretion: str = "full", **more: Any) -> TreeOptions:
    return TreeOptions(tree="/Documents_RH", channel="rh", discretion=Discretion(discretion), **more)


def news(path: str, kind: Kind = Kind.NEW, who: str = "Camille Morel", link: str = LINK) -> News:
    return News(kind, path, 2048, NOON, who, link)


def box(options: TreeOptions, what: News) -> dict[str, Any]:
    payload: dict[str, Any] = document.build(options, CATALOGUES["fr"], what).payload()
    (found,) = payload["attachments"]
    return dict(found)


def counted(options: TreeOptions, *what: News) -> list[str]:
    """The texts of the messages about these documents together."""
    found = announcing.together(options, CATALOGUES["fr"], what)
    return [str(each.notification.shown.payload().get("text")) for each in found]


def test_who_and_a_link_are_shown_if_they_are_known() -> None:
    known = box(tree_options(), news("Contrats/a.pdf"))
    assert known["title_link"] == LINK
    assert known["fields"][-1] == {"short": True, "title": "👤 Déposé par", "value": "Camille Morel"}
    unknown = box(tree_options(), news("Contrats/a.pdf", who="", link=""))
    assert "title_link" not in unknown
    assert unknown["fields"] == known["fields"][:-1]


@pytest.mark.parametrize("discretion", ["masked", "count"])
def test_a_link_does_not_say_the_name_that_is_private(discretion: str) -> None:
    assert "title_link" not in box(tree_options(discretion), news("Contrats/a.pdf"))
    (text,) = counted(tree_options(discretion), news("Contrats/a.pdf"), news("Contrats/b.pdf"))
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
    assert names.shown(tree_options("masked", icons={"odt": "📜"}), f"Contrats/{name}") == shown


def test_many_documents_in_one_message() -> None:
    lot = [news(f"Contrats/{number}.pdf", link=LINK if number else "") for number in range(5)]
    (text, *_) = counted(tree_options(), *lot, news("x.pdf"))
    assert text == (
        "**📁 6 nouveaux documents RH déposés**\n👤 Déposés par Camille Morel\n\n"
        f"- **Contrats** : 5 (`0.pdf`, [\u200b1.pdf]({LINK}), [\u200b2.pdf]({LINK}), …)\n"
        f"- **Documents_RH** : 1 ([x.pdf]({LINK}))"
    )
    assert counted(tree_options("count"), news("Contrats/a.pdf")) == [
        "**📁 Un nouveau document RH déposé**\n\n- **Contrats** : 1"
    ]


@pytest.mark.parametrize(
    ("who", "line"),
    [
        (["Camille"] * 3, "👤 Déposés par Camille"),
        (["Camille", "Bob", "Bob"], "👤 Déposés par Bob (2), Camille (1)"),
        # Of whom it is not known is not said to be of the others.
        (["Camille", "", ""], "👤 Déposés par Camille (1)"),
        (["A", "B", "C", "C"], "👤 Déposés par C (2), A (1), B (1)"),
        (["A", "B", "C", "D"], ""),
        (["", ""], ""),
        (["*Zoé* @all", "*Zoé* @all"], "👤 Déposés par \\*Zoé\\* @\u200ball"),
    ],
)
def test_many_documents_of_a_few_people_say_who(who: list[str], line: str) -> None:
    lot = [news(f"Contrats/{number}.pdf", who=name) for number, name in enumerate(who)]
    (announcement,) = announcing.together(tree_options(), CATALOGUES["fr"], lot)
    message = announcement.notification.shown
    assert str(message.payload()["text"]).split("\n")[1:-1] == [line, ""][not line :]
    assert message.summary.endswith(f" – {line}" if line else f" : {len(who)}")


def test_who_brought_what_may_only_be_counted_is_not_said() -> None:
    options = tree_options(folder_discretion={"Paie": Discretion.COUNT})
    (text,) = counted(options, news("Paie/a.pdf"), news("Paie/b.pdf"), news("x.pdf", who="Bob"))
    assert "Camille" not in text
    assert "👤 Déposés par Bob (1)" in text


def test_who_has_no_account_is_called_so() -> None:
    guest = replace(news("a.pdf", who="Léa <Dupont>"), is_guest=True)
    assert box(tree_options(), guest)["fields"][-1]["value"] == "Léa <\u200bDupont> (invité)"
    (text,) = counted(tree_options(), guest, guest)
    assert "👤 Déposés par Léa <\u200bDupont> (invité)" in text


OTHER = {"label": "", "username": "Nextcloud Bot"}


@pytest.mark.parametrize(
    ("language", "more", "titles", "headings"),
    [
        (
            *("fr", {}),
            *(
                [
                    "📄 Nouveau document RH déposé",
                    "📄 Document RH déplacé ou restauré",
                    "📄 Nouvelle version d'un document RH",
                    "📄 Document RH retiré",
                ],
                [
                    "2 nouveaux documents RH déposés",
                    "2 documents RH déplacés ou restaurés",
                    "2 documents RH modifiés",
                    "2 documents RH supprimés ou déplacés ailleurs",
                ],
            ),
        ),
        (
            *("fr", OTHER),
            *(
                [
                    "📄 Nouveau document déposé",
                    "📄 Document déplacé ou restauré",
                    "📄 Nouvelle version d'un document",
                    "📄 Document retiré",
                ],
                [
                    "2 nouveaux documents déposés",
                    "2 documents déplacés ou restaurés",
                    "2 documents modifiés",
                    "2 documents supprimés ou déplacés ailleurs",
                ],
            ),
        ),
        (
            *("fr", OTHER | {"label": "*comptable*"}),
            *(
                ["📄 Nouveau document *comptable* déposé"],
                ["2 nouveaux documents \\*comptable\\* déposés"],
            ),
        ),
        (
            *("en", {}),
            *(
                [
                    "📄 New HR document",
                    "📄 HR document moved or restored",
                    "📄 HR document: new version",
                    "📄 HR document removed",
                ],
                [
                    "2 new HR documents",
                    "2 HR documents moved or restored",
                    "2 HR documents changed",
                    "2 HR documents deleted or moved elsewhere",
                ],
            ),
        ),
        (
            *("en", OTHER),
            *(
                [
                    "📄 New document",
                    "📄 Document moved or restored",
                    "📄 Document: new version",
                    "📄 Document removed",
                ],
                ["2 new documents", "2 documents moved or restored"],
            ),
        ),
        (
            "en",
            OTHER | {"label": "accounting"},
            ["📄 New accounting document", "📄 Accounting document moved or restored"],
            [],
        ),
    ],
)
def test_only_hr_documents_are_called_so(
    language: str, more: dict[str, str], titles: list[str], headings: list[str]
) -> None:
    options, wording = tree_options(**more), CATALOGUES[language]
    for kind, title in zip(Kind, titles, strict=False):
        payload: dict[str, Any] = document.build(options, wording, news("a.pdf", kind)).payload()
        assert payload["attachments"][0]["title"] == title
        assert payload["username"] == ("Nextcloud Bot" if more else "Nextcloud RH Bot")
    for kind, heading in zip(Kind, headings, strict=False):
        (each,) = announcing.together(options, wording, [news("a.pdf", kind), news("b.pdf", kind)])
        payload = each.notification.shown.payload()
        assert str(payload["text"]).split("\n")[0] == f"**📁 {heading}**"
        assert payload["username"] == options.username


def test_a_heading_in_the_words_of_the_site() -> None:
    options = tree_options(wording={"new.heading": "{{ count }} pièces dans {{ tree | code }} : {{ said }}"})
    (text,) = counted(options, news("a.pdf"), news("b.pdf"))
    heading = "2 pièces dans `Documents_RH` : 📁 2 nouveaux documents RH déposés"
    assert text.startswith(f"**{heading}**\n")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("a.pdf", "Documents_RH"),
        ("Contrats/a.pdf", "Contrats"),
        ("Contrats/2026/Q1/a.pdf", "Contrats / 2026 / Q1"),
        (f"{'x' * 60}/{'y' * 60}/Q1/a.pdf", f"… / {'y' * 60} / Q1"),
    ],
)
def test_a_folder_is_shown_as_its_path_below_the_tree(path: str, shown: str) -> None:
    assert f"**{shown}**" in box(tree_options(), news(path))["text"].replace("\u200b", "")
    (text,) = counted(tree_options(), news(path), news(f"{path}2"))
    assert f"- **{shown}** : 2" in text.replace("\u200b", "")


@pytest.mark.parametrize(
    ("size", "french", "english"),
    [
        (0, "0 octet", "0 bytes"),
        (1, "1 octet", "1 byte"),
        (9, "9 octets", "9 bytes"),
        (10, "0.01 KB", "0.01 KB"),
        (1024, "1.00 KB", "1.00 KB"),
    ],
)
def test_the_size_of_a_small_document_says_something(size: int, french: str, english: str) -> None:
    for language, words in (("fr", french), ("en", english)):
        small = replace(news("a.pdf"), size=size)
        payload: dict[str, Any] = document.build(tree_options(), CATALOGUES[language], small).payload()
        assert payload["attachments"][0]["fields"][2]["value"] == words


def test_each_kind_of_news_has_its_message_and_one_document_its_own() -> None:
    lot = [news(f"{number}.pdf", kind) for kind in Kind for number in range(2)]
    assert len(counted(tree_options(), *lot)) == 4
    (alone, many) = announcing.together(
        tree_options(),
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
    (announcement,) = announcing.together(tree_options(discretion), CATALOGUES["fr"], lot)
    message = announcement.notification.shown
    text = str(message.payload()["text"])
    assert len(text) < 14_000
    assert len(message.summary) < 2_000
    assert_inert(message.summary)
    if discretion is Discretion.COUNT:  # without names, which are code
        for line in text.split("\n")[2:]:
            assert_inert(line)
