"""A review: what somebody says of a merge request at once, comment by comment, and that they approve of it."""

from collections.abc import Iterator, Sequence

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.events import note
from relays.sources.gitlab.events.common import NAME, PROJECT, SHORT_TITLE, lines, linked, project_of, user_of
from relays.sources.gitlab.events.subject import title_of
from relays.wording import Wording

# Mattermost cuts a text after 16,383 characters, anywhere in it (measured on 5.37).
_MOST_CHARACTERS = 14_000
# Of a comment that is one of several in a thread.
_FIRST_LINES = 600


def build(events: Sequence[Event], wording: Wording, *, reply: bool = False) -> Iterator[tuple[int, Message]]:
    """What the comments and approvals of a review come to: one message, or as many as are needed to hold all of it.

    Each with the place, in the sequence, of the first event that it is about. As a `reply` it need not say what it is
    about, and has the first lines of each comment.
    """
    keys = "reply.review" if reply else "review"
    comments = [
        (place, _comment(event, wording, reply=reply))
        for place, event in enumerate(events)
        if event.name == "note"
    ]
    approved = any("approved" in event.actions for event in events)
    said = wording[f"{keys}.approved" if approved else f"{keys}.comments"]
    heading = markup.fill(said, comments=len(comments), **_names(events[0], wording))
    first, parts, characters = 0, list[markup.Markup](), 0
    for place, shown in comments:
        if parts and characters + len(shown) > _MOST_CHARACTERS:
            yield first, lines(heading, parts)
            heading = markup.fill(wording[f"{keys}.more"], **_names(events[0], wording))
            first, parts, characters = place, [], 0
        parts.append(shown)
        characters += len(shown)
    yield first, lines(heading, parts)


def _names(event: Event, wording: Wording) -> dict[str, markup.Markup | None]:
    payload = event.payload
    of_comment = payload.at("merge_request")
    subject = of_comment if event.name == "note" else payload.at("object_attributes")
    shown = markup.from_label(title_of("merge_request", subject, wording, SHORT_TITLE))
    return {
        "user": markup.bold(user_of(payload, wording), NAME),
        "subject": linked(shown, _address(event)),
        "project": markup.given(markup.bold, project_of(payload, wording), PROJECT),
    }


def _address(event: Event) -> str:
    """The address of the merge request: without the fragment of a comment, which no link is let have."""
    return event.payload.text("object_attributes", "url").partition("#")[0]


def _comment(event: Event, wording: Wording, *, reply: bool) -> markup.Markup:
    """A comment as it is announced alone, below the file and line that it stands at."""
    place = next((shown.value for shown in note.place_of_comment(event.payload, wording)), None)
    shown = (
        note.text_of_comment(event.payload, wording, most=_FIRST_LINES, people=note.people_in(event.payload))
        if reply
        else note.text_of_comment(event.payload, wording)
    )
    text = [each.value for each in shown]
    return markup.Markup("\n".join(["", markup.fill(wording["review.comment"], place=place), *text]))
