"""Signed tags and commits are announced by what they say, whatever they are signed with."""

import time

import pytest

from tests.unit.test_relays_messages import announce, load

BLOCK = "-----BEGIN {0}-----\n\niQIzBAABCgAdFiEE\nU1NIU0lHAAAAAQ==\n=abcd\n-----END {0}-----"
KINDS = ("PGP SIGNATURE", "PGP MESSAGE", "SSH SIGNATURE", "SIGNED MESSAGE")
SAID = (
    "🏷️ **Admin TAAF** a créé le tag [`v1.2.0`](https://git.taaf.internal/taaf/projet-test-taaf/-/tags/v1.2.0)"
)


def shown(message: str) -> str:
    """What is said of a tag with this message."""
    posted = announce({**load("tag_push_annotated"), "message": message})
    assert posted is not None
    text: str = posted["text"]
    assert "-----" not in text
    assert "BEGIN" not in text
    return text


@pytest.mark.parametrize("end", ["\n", "", "\r\n", "\n\n"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_is_left_out(kind: str, end: str) -> None:
    block = BLOCK.format(kind)
    assert shown(f"Version 1\n{block}{end}".replace("\n", "\r\n" if "\r" in end else "\n")).endswith(
        " : Version 1"
    )
    assert shown(f"Version 1\n\nCorrige tout\n{block}{end}").endswith(" : Version 1 Corrige tout")
    # It was cut, or signed twice.
    assert shown(f"Version 1\n{block[:60]}").endswith(" : Version 1")
    assert shown(f"Version 1\n{block}\n{BLOCK.format('SSH SIGNATURE')}{end}").endswith(" : Version 1")


@pytest.mark.parametrize("kind", KINDS)
def test_a_tag_that_says_nothing_but_its_signature_says_nothing(kind: str) -> None:
    assert shown(f"{BLOCK.format(kind)}\n") == f"{SAID} sur **projet-test-taaf**"


@pytest.mark.parametrize(
    "said",
    ["Voir -----BEGIN PGP SIGNATURE----- plus bas", "-----BEGIN CERTIFICATE-----\nMIIB", "-----\nVersion 1"],
)
def test_what_only_looks_like_a_signature_stays(said: str) -> None:
    posted = announce({**load("tag_push_annotated"), "message": said})
    assert posted is not None
    assert " ".join(said.split()) in posted["text"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_commit_is_worded_by_its_first_line_that_is_no_signature(kind: str) -> None:
    payload = load("push_normal")
    payload["commits"][-1].pop("title")
    payload["commits"][-1]["message"] = f"{BLOCK.format(kind)}\nMerge tag 'v1'\n\n{BLOCK.format(kind)}\n"
    posted = announce(payload)
    assert posted is not None
    assert "Merge tag 'v1' —" in posted["text"]
    assert "-----" not in posted["text"]


def test_many_beginnings_cost_no_more_than_one() -> None:
    begun = time.process_time()
    shown("Version 1\n" + "-----BEGIN PGP SIGNATURE-----\n" * 300_000)
    assert time.process_time() - begun < 2
