"""Why something did not go as it was to, as an answer shows it."""

from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.sources.gitlab.rest import GitLabError

_OF_AN_ANSWER = 120
# Of one of many lines.
_LISTED = 80


def reason_of(error: GitLabError) -> Markup:
    """What GitLab, or the way to it, has refused a question with."""
    return markup.plain(str(error), _OF_AN_ANSWER)


def listed(reason: str | None) -> Markup | None:
    """The reason of one thing in a list; None for none."""
    return markup.given(markup.plain, reason or "", _LISTED)
