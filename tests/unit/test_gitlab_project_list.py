"""Lists of projects: what is in them, what is left out, what contradicts itself."""

from typing import Any

import pytest

from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.project_list import ProjectList, covers
from tests.unit.test_gitlab_other_projects import dispatched
from tests.unit.test_relays_messages import load


@pytest.mark.parametrize(
    ("entries", "inside", "outside"),
    [
        (["taaf/web"], ["taaf/web", "TAAF/Web"], ["taaf/web2", "x/taaf/web", "taaf/web/x"]),
        (["taaf/*"], ["taaf/web", "Taaf/new"], ["taaf/sub/web", "taaf2/web", "x/taaf/web"]),
        (["taaf/**"], ["taaf/web", "taaf/sub/web", "taaf/a/b/c"], ["taaf2/web", "x/taaf/web"]),
        (["taaf/sub/*"], ["taaf/sub/web"], ["taaf/web", "taaf/sub/a/web"]),
        (["taaf/*", "!taaf/secret"], ["taaf/web", "taaf/secret2"], ["taaf/secret", "taaf/SECRET"]),
        (["taaf/**", "!taaf/old/*"], ["taaf/web", "taaf/old/a/b"], ["taaf/old/a"]),
        (["taaf/**", "!taaf/old/**"], ["taaf/web", "taaf/older/a"], ["taaf/old/a", "taaf/old/a/b"]),
        (["taaf/old/a", "taaf/*", "b/**"], ["taaf/old/a", "b/x/y"], ["taaf/old/b"]),
    ],
)
def test_a_list_has_what_it_says(entries: list[str], inside: list[str], outside: list[str]) -> None:
    listed = ProjectList(entries)
    assert list(listed.faults()) == []
    payload: dict[str, Any] = load("push_normal")
    for path in (*inside, *outside):
        assert (path in listed) == (path in inside), path
        payload["project"]["path_with_namespace"] = path
        # One that is made after the deploy is the site's as well.
        assert (dispatched(Payload(payload), *entries)[0] == "foreign") == (path in outside), path


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (["taaf/*", "TAAF/*"], "TAAF/* is given twice"),
        (["taaf/a", "taaf/A"], "taaf/A is given twice"),
        (["taaf/*", "!taaf/a", "!taaf/a"], "!taaf/a is given twice"),
        (["taaf/a", "taaf/*", "!taaf/a"], "!taaf/a leaves out a project that is listed by its path"),
        (["taaf/sub/a", "taaf/**", "!taaf/sub/*"], "!taaf/sub/* leaves out a project that is listed"),
        (["taaf/*", "!other/a"], "!other/a leaves nothing out"),
        (["taaf/*", "!taaf/sub/a"], "!taaf/sub/a leaves nothing out"),
        (["taaf/*", "!taaf/sub/*"], "!taaf/sub/* leaves nothing out"),
        (["taaf/a", "!taaf/b"], "!taaf/b leaves nothing out"),
        (["taaf/*", "!taaf/*"], "!taaf/* leaves out all that a pattern finds"),
        (["taaf/**", "taaf/sub/*", "!taaf/sub/**"], "!taaf/sub/** leaves out all that a pattern finds"),
    ],
)
def test_entries_that_contradict_each_other_are_named(entries: list[str], words: str) -> None:
    (fault,) = ProjectList(entries).faults()
    assert words in fault


@pytest.mark.parametrize(
    ("wide", "narrow", "does"),
    [
        ("a/b", "A/B", True),
        ("a/*", "a/b", True),
        ("a/*", "a/b/c", False),
        ("a/**", "a/b/c", True),
        ("a/*", "A/*", True),
        ("a/**", "a/*", True),
        ("a/*", "a/**", False),
        ("a/**", "a/b/*", True),
        ("a/*", "a/b/*", False),
        ("a/**", "a/b/**", True),
        ("a/b/**", "a/**", False),
        ("a/**", "ab/**", False),
        ("a/b", "a/*", False),
    ],
)
def test_an_entry_covers_another_one(wide: str, narrow: str, does: bool) -> None:
    assert covers(wide, narrow) == does
