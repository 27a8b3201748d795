"""What a dry run says, as expected and actual."""

import pytest

from tasks.drift import Difference, parse


@pytest.mark.parametrize(
    ("line", "reported"),
    [
        (
            "+ hook Passerelle of a/b to http://x:1/y on push_events",
            ("hook Passerelle of a/b to http://x:1/y on push_events", "is there", "is missing"),
        ),
        (
            "- /etc/passerelle/gitlab-read-token",
            ("/etc/passerelle/gitlab-read-token", "is not there", "is there"),
        ),
        (
            "~ /etc/passerelle/gitlab.toml: other content",
            ("/etc/passerelle/gitlab.toml", "as described", "other content"),
        ),
        (
            "~ passerelle-gitlab.service: inactive -> active",
            ("passerelle-gitlab.service", "active", "inactive"),
        ),
        (
            "~ ServiceSettings.EnableCommands: False -> True",
            ("ServiceSettings.EnableCommands", "True", "False"),
        ),
        (
            "~ hook P of a/b: url: 'http://x: -> y/' -> 'http://z'",
            ("hook P of a/b: url", "'http://z'", "'http://x: -> y/'"),
        ),
        ("~ /etc/systemd/system/a.service", ("/etc/systemd/system/a.service", "as described", "differs")),
    ],
)
def test_a_difference_says_what_is_and_what_should_be(line: str, reported: tuple[str, str, str]) -> None:
    assert parse(f"    [host.example]     {line}") == Difference("host.example", *reported)


@pytest.mark.parametrize(
    "line", ["    [host.example] Connected", "--> Preparing", "    Loading: deploy.py", ""]
)
def test_other_lines_say_none(line: str) -> None:
    assert parse(line) is None


def test_what_is_left_alone_is_no_difference() -> None:
    found = parse("    [host.example]     ! incoming webhook 'X': another one, of bob")
    assert found == Difference("host.example", "incoming webhook 'X': another one, of bob")
    assert found.is_left_alone
