"""The wordings as a native of each language writes them."""

import re

import pytest

from relays.wording import CATALOGUES
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
