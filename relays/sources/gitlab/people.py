"""Mentions: who is assigned or asked for a review is mentioned by name, and nobody else is."""

from collections.abc import Iterator, Mapping

from relays.mattermost import markup
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.events.changes import asked_again
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

# From names in GitLab to names in Mattermost.
UserNames = Mapping[str, str]

_MOST_PEOPLE = 10


def mentions(event: Event, people: UserNames, wording: Wording) -> Iterator[markup.Markup]:
    """A line for those whom the event newly assigns and one for those whom it asks for a review.

    Who did it is not mentioned.
    """
    if event.name not in ("issue", "merge_request"):
        return
    # GitLab distinguishes no case in names, nor may it matter how a site writes them.
    called = {user.casefold(): name for user, name in people.items()}
    actor = event.payload.text("user", "username").casefold()
    for key, asked in (
        ("mention.assigned", newly(event, "assignees")),
        ("mention.review", [*newly(event, "reviewers"), *asked_again(event.payload)]),
    ):
        # In their order, each once.
        names = dict.fromkeys(user.text("username").casefold() for user in asked)
        known = [called[name] for name in names if name in called and name != actor]
        if known:
            listed = ", ".join(markup.mention(name) for name in known[:_MOST_PEOPLE])
            yield markup.fill(wording[key], people=markup.Markup(listed))


def newly(event: Event, role: str) -> list[Payload]:
    """Those who were not in this role (assignees, reviewers) before."""
    if "open" in event.actions:
        return event.payload.elements(role)
    before, after = (event.payload.elements("changes", role, end) for end in ("previous", "current"))
    known = {user.text("username") for user in before}
    return [user for user in after if user.text("username") not in known]
