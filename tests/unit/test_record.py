"""What is said of servers that the settings no longer name: nobody is asked there, with a token that is not theirs."""

import pytest

from tasks.made import Made
from tasks.record import other_servers

BEFORE = Made(gitlab="http://git", mattermost="http://chat")


@pytest.mark.parametrize(
    ("made", "now", "named"),
    [
        (Made(), BEFORE, []),
        (BEFORE, BEFORE, []),
        (BEFORE, Made(gitlab="https://git", mattermost="http://chat"), ["gitlab.url was http://git: "]),
        (BEFORE, Made(gitlab="http://git", mattermost="http://other"), ["mattermost.url was http://chat: "]),
        (BEFORE, Made(gitlab="http://a", mattermost="http://b"), ["gitlab.url was ", "mattermost.url was "]),
    ],
)
def test_what_stays_on_another_server_is_named(made: Made, now: Made, named: list[str]) -> None:
    lines = list(other_servers(made, now))
    assert len(lines) == len(named)
    for line, beginning in zip(lines, named, strict=True):
        assert line.startswith(beginning)
        assert line.endswith("stay there; delete them there")
