"""The wordings as a native of each language writes them."""

import re

import pytest

from relays.base.tls import FAULTS
from relays.wording import CATALOGUES, held_up, remaining
from tasks.doctor.wording import CATALOGUES as DOCTOR
from tasks.templates import FILES

FRENCH, ENGLISH = CATALOGUES["fr"], CATALOGUES["en"]
# The mission words these itself.
OF_THE_MISSION = {"merge_request.title", "merge_request.reopen"}
NUMBERS_AND_TIMES = re.compile(r"%\S+|\{\w+\}")


def plain(text: str) -> str:
    """A wording without the marks of its optional parts and without its places."""
    return NUMBERS_AND_TIMES.sub("x", text.replace("[", "").replace("]", ""))


@pytest.mark.parametrize("key", sorted(FRENCH.keys() - OF_THE_MISSION))
def test_french_has_a_space_before_a_colon(key: str) -> None:
    assert not re.search(r"\S[:;!?»](?:\s|$)|«\S|réouv", plain(FRENCH[key]))


@pytest.mark.parametrize("key", FRENCH)
def test_no_word_is_elided_before_what_is_filled_in(key: str) -> None:
    # "de Alex" would have to be "d'Alex", and "de Camille" not.
    assert not re.search(r"\b(?:de|que|le|la)\[? \{(?:user|project|place|people|author)\}", FRENCH[key])


@pytest.mark.parametrize("key", ENGLISH)
def test_english_has_none(key: str) -> None:
    assert not re.search(r"\s[:;!?](?:\s|$)", plain(ENGLISH[key]))


@pytest.mark.parametrize("key", sorted(key for key in FRENCH if re.match(r"state|role|severity", key)))
def test_states_and_roles_are_not_left_in_english(key: str) -> None:
    assert FRENCH[key] != key.partition(".")[2]
    assert FRENCH[key].islower()
    assert ENGLISH[key].islower()


@pytest.mark.parametrize(("language", "wrong"), [("fr", r"\w[:;!?](?:\s|$)"), ("en", r"\s[:;!?](?:\s|$)")])
def test_the_doctor_writes_so_too(language: str, wrong: str) -> None:
    said = DOCTOR[language]
    findings = [text for saying in said.broken.values() for text in (saying.why, saying.remedy)]
    for text in [*said.phrases.values(), *said.links.values(), *said.unclear.values(), *findings]:
        assert not re.search(wrong, text), text


@pytest.mark.parametrize("path", sorted(FILES.glob("*.sh.j2")), ids=lambda path: path.name)
def test_commands_speak_both_languages_alike(path: object) -> None:
    source = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    pairs = re.findall(r't\("(.*?)",\s*"(.*?)"\)', source)
    for french, english in pairs:
        assert not re.search(r"\w[:;!?](?:\s|$)", french), french
        assert not re.search(r"\s[:;!?](?:\s|$)", english), english
    # A colon behind a translated text would be typeset in one of the languages only.
    assert not re.search(r"\}\} ?[:;!?]", source)


HELD = [
    ("HTTP 404", "hook", "Mattermost does not find this channel (HTTP 404)"),
    ("HTTP 404: the bot finds no such channel", "bot", "the bot does not find this channel (HTTP 404)"),
    (
        "HTTP 400: Mattermost does not know the webhook",
        "hook",
        "does not know its webhook any more (HTTP 400)",
    ),
    ("HTTP 400: some.code", "bot", "Mattermost does not take what the bot writes there (HTTP 400)"),
    ("HTTP 401", "hook", "the answer is not Mattermost's (HTTP 401)"),
    ("HTTP 401: Mattermost does not take the bot's token", "bot", "take the bot's token (HTTP 401)"),
    ("HTTP 301", "hook", "the answer is not Mattermost's (HTTP 301)"),
    ("HTTP 301, but not from Mattermost", "bot", "the answer is not Mattermost's (HTTP 301)"),
    ("HTTP 501", "hook", "incoming webhooks are switched off (HTTP 501)"),
    ("HTTP 501, but not from Mattermost", "bot", "the answer is not Mattermost's (HTTP 501)"),
    *(
        (why, by, f"no connection to Mattermost that can be used ({why})")
        for by in ("hook", "bot")
        for why in (FAULTS["expired"].what, FAULTS["https"].what, "the proxy does not lead there")
    ),
]


@pytest.mark.parametrize(("reason", "by", "said"), HELD)
def test_what_is_held_up_is_said_of_the_way_that_is_posted_by(reason: str, by: str, said: str) -> None:
    assert held_up(ENGLISH, "dev", reason, by).startswith("degraded: channel dev held up, ")
    assert held_up(ENGLISH, "dev", reason, by).endswith(said)
    assert held_up(ENGLISH, "@", reason, by).startswith("degraded: direct messages held up, ")
    french = held_up(FRENCH, "@", reason, by)
    assert french.startswith("dégradé : messages directs retenus, ")
    assert ("webhook" in french) <= (by == "hook")
    assert ("bot" in french) <= (by == "bot")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0.1, "1 min"), (60, "1 min"), (61, "2 min"), (3599.9, "1 h"), (3600, "1 h"), (3661, "1 h 2 min")),
        *(
            (7199.9, "2 h"),
            (86399, "1 j"),
            (86400 + 60, "1 j"),
            (86400 + 3600, "1 j 1 h"),
            (7 * 86400 - 1, "7 j"),
        ),
    ],
)
def test_what_is_left_of_a_span(seconds: float, words: str) -> None:
    assert remaining(CATALOGUES["fr"], seconds) == words
