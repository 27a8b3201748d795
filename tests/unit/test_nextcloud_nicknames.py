"""What strangers call themselves, as Nextcloud writes it down, and how messages show it: decoded, bounded and inert."""

import json
from datetime import datetime
from typing import Any

import pytest

from relays.sources.nextcloud import document
from relays.sources.nextcloud.activity import Activity
from relays.sources.nextcloud.changes import Kind, News
from relays.sources.nextcloud.cloud import Account, Cloud, CloudResponse
from relays.sources.nextcloud.options import TreeOptions
from relays.wording import CATALOGUES

GUEST = {"fr": "invité", "en": "guest"}
LETTER = "%F0%9F%98%80"


class OnePage(Cloud):
    """Says one file, by a row with this name."""

    def __init__(self, name: object) -> None:
        super().__init__(Account("http://cloud.invalid", "admin", "password"), 1.0)
        self._row: dict[str, Any] = {
            "activity_id": 7,
            "type": "file_created",
            "datetime": "2026-01-05T10:00:00+00:00",
            "user": "",
            "objects": {"12": "/Documents_RH/a.pdf"},
            "subject_rich": ["{user} created {file}", {"user": {"type": "user", "id": name, "name": name}}],
        }

    def ask(self, *asked: object, query: Any = None, **more: object) -> CloudResponse:
        if query["since"]:
            return CloudResponse(304, {}, b"")
        page = {"ocs": {"meta": {"statuscode": 200}, "data": [self._row]}}
        return CloudResponse(200, {"X-Activity-Last-Given": "7"}, json.dumps(page).encode())


def known(name: object) -> str:
    """The name that is known of somebody who is written down like this."""
    (((_, (deed,)),)) = Activity(OnePage(name)).after(0)
    assert deed.actor.account == ""
    return deed.actor.name


def shown(name: str, language: str) -> str:
    """How a message shows somebody who is known by this name."""
    news = News(Kind.NEW, "a.pdf", 1, datetime(2026, 1, 5), who=name, is_guest=True)
    options = TreeOptions(tree="/Documents_RH")
    payload: dict[str, Any] = document.build(options, CATALOGUES[language], news).payload()
    return str(payload["attachments"][0]["fields"][-1]["value"])


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("L%C3%A9a%20Dupont (remote user)", "Léa Dupont"),
        ("Léa Dupont (utilisateur distant)", "Léa Dupont"),
        ("L%C3%A9a %26amp; Cie (remote user)", "Léa &amp; Cie"),
        ("L%C3%A9a &amp; Cie (remote user)", "Léa & Cie"),
        ("Bob (RH) (remote user)", "Bob (RH)"),
        ("Bob%20(RH) (remote user)", "Bob (RH)"),
        # Decoded once.
        ("%2540all (remote user)", "%40all"),
        # Not encoded, or not as UTF-8.
        ("100% (remote user)", "100%"),
        ("100 %C3%A9% (remote user)", "100 é%"),
        ("%E9t%E9 (remote user)", "%E9t%E9"),
        ("%ZZ (remote user)", "%ZZ"),
        ("half \ud800 (remote user)", "half ?"),
        # Cut, and never within a letter.
        (f"{LETTER * 5000} (remote user)", "😀" * 50),
        (f"a{LETTER * 5000} (remote user)", "a" + "😀" * 49),
        (f"ab%20{LETTER * 5000} (remote user)", "ab " + "😀" * 49),
        ("x" * 100_000, "x" * 600),
        (" (" * 100_000, ("( " * 300)[:-1]),
        # Nothing at all.
        (" (remote user)", ""),
        ("%20%0A (remote user)", ""),
        (12, ""),
        (None, ""),
        (["Bob"], ""),
    ],
)
def test_what_is_written_down(written: object, name: str) -> None:
    assert known(written) == name


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("Léa Dupont", "Léa Dupont"),
        ("@all", "@all"),
        ("# Titre\n> **gras**", "# Titre > \\*\\*gras\\*\\*"),
        ("Bob\u202emartin", "Bobmartin"),
        # However long it is, that it is a stranger shows.
        ("Bob Martin" + " " * 500 + "x", "Bob Martin …"),
        ("Bob Martin" + "\u3164" * 500, None),
        ("😀" * 500, "😀" * 39 + "…"),
        ("*" * 500, "\\*" * 39 + "…"),
    ],
)
def test_a_stranger_is_always_shown_as_one(name: str, seen: str | None, language: str) -> None:
    value = shown(name, language)
    assert value.endswith(f" ({GUEST[language]})")
    assert len(value) < 120
    assert "@all" not in value
    # What is invisible keeps it from acting.
    assert seen is None or value.replace("\u200b", "") == f"{seen} ({GUEST[language]})"
