"""Whom an event concerns in person: who has to do something now, or waits for what has happened.

Nobody hears of what they did themselves. Of what happens in a private project, or is confidential, a comment reaches
those whom it mentions only if they have to do with the matter already: GitLab does not let others read it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from relays.mattermost import markup
from relays.sources.gitlab.conversations.facts import own_wish
from relays.sources.gitlab.conversations.state import State
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.events import note
from relays.sources.gitlab.events.changes import asked_again
from relays.sources.gitlab.events.common import (
    NAME,
    PROJECT,
    SHORT_TITLE,
    linked,
    number,
    project_of,
    user_of,
)
from relays.sources.gitlab.events.subject import title_of
from relays.sources.gitlab.noise import is_bot
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.people import newly
from relays.sources.gitlab.timestamps import moment
from relays.sources.gitlab.wishes import Thing
from relays.wording import Wording

_PUBLIC_FROM = 10  # as GitLab numbers visibility: 0 private, 10 internal, 20 public
_FIRST_LINES = 400
_MOST_PEOPLE = 20
# The clocks of both servers may be minutes apart.
_OWN_WISH_SECONDS = 600.0


@dataclass(frozen=True)
class Heard:
    """An event, what it turned to (broken, fixed, or nothing), and the state of its conversation before and after."""

    event: Event
    turned: str
    before: State
    after: State


@dataclass(frozen=True)
class Notice:
    """What somebody of GitLab is to hear: what it is about, and the text."""

    thing: Thing
    user: str
    email: str
    text: markup.Markup


def notices(heard: Heard, wording: Wording) -> Iterator[Notice]:
    """A notice for each person and thing."""
    payload = heard.event.payload
    actor = payload.text("user", "username")
    done: set[tuple[Thing, str]] = set()
    for thing, users in _concerned(heard):
        for user in users[:_MOST_PEOPLE]:
            name = user.text("username")
            own = name == actor and thing not in ("broken", "fixed")
            if name and not own and not is_bot(name) and (thing, name) not in done:
                done.add((thing, name))
                yield Notice(thing, name, user.text("email"), _text(thing, heard, wording))


def _concerned(heard: Heard) -> Iterator[tuple[Thing, list[Payload]]]:
    event, payload = heard.event, heard.event.payload
    author = heard.after.of("author")
    if event.name in ("issue", "merge_request"):
        yield "assigned", newly(event, "assignees")
        yield "review", [*_newly_asked(heard), *asked_again(payload)]
    if event.name == "merge_request":
        if _objections(heard.after) - _objections(heard.before):
            yield "changes", [author]
        yield from ((thing, [author]) for action, thing in _OF_AUTHOR if action in event.actions)
    if event.name == "note" and "create" in event.actions:
        yield "mentioned", list(_mentioned(heard))
    if event.name == "pipeline" and heard.turned:
        yield "broken" if heard.turned == "broken" else "fixed", [payload.at("user")]


def _newly_asked(heard: Heard) -> Iterator[Payload]:
    """The new reviewers, but for who has just asked for it in the chat and was entered by the relay."""
    at = moment(heard.event.payload.text("object_attributes", "updated_at"))
    for user in newly(heard.event, "reviewers"):
        wish = heard.after.facts.get(own_wish(user.text("username"), at)[0])
        if wish is None or abs(at - wish.order[0]) > _OWN_WISH_SECONDS:
            yield user


_OF_AUTHOR: tuple[tuple[str, Thing], ...] = (("approved", "approved"), ("merge", "merged"))


def _objections(state: State) -> set[str]:
    return {name for name, fact in state.each("vote") if Payload(fact.value).text("vote") == "changes"}


def _mentioned(heard: Heard) -> Iterator[Payload]:
    event = heard.event
    is_open = event.payload.number("project", "visibility_level") >= _PUBLIC_FROM and not event.confidential
    concerned = _names(heard.after)
    for name in note.mentioned_in(event.payload):
        if is_open or name in concerned:
            yield Payload({"username": name})


def _names(state: State) -> set[str]:
    """Who has to do with it, in lower case."""
    people = (state.of("author"), *state.of("assignees").elements(), *state.of("reviewers").elements())
    voters = (name for name, _ in state.each("vote"))
    return {name.lower() for name in (*(user.text("username") for user in people), *voters) if name}


def _text(thing: Thing, heard: Heard, wording: Wording) -> markup.Markup:
    payload = heard.event.payload
    said = markup.fill(
        wording[f"direct.{thing}"],
        user=markup.bold(user_of(payload, wording), NAME),
        subject=_subject(heard, wording),
        project=markup.given(markup.plain, project_of(payload, wording), PROJECT),
    )
    below: Iterable[markup.Markup] = ()
    if thing == "mentioned":
        below = [shown.value for shown in note.text_of_comment(payload, wording, most=_FIRST_LINES)]
    if thing == "broken":
        jobs = heard.after.of("pipeline").elements("jobs")
        named = markup.given(markup.plain, ", ".join(job.text() for job in jobs), 2 * NAME)
        below = [markup.fill(wording["direct.jobs"], jobs=named)] if named else ()
    return markup.Markup("\n".join((said, *below)))


def _subject(heard: Heard, wording: Wording) -> markup.Markup | None:
    """What it is about, as a link to it."""
    event, payload = heard.event, heard.event.payload
    if event.name == "pipeline":
        pipeline = payload.at("object_attributes")
        branch = markup.given(markup.label, pipeline.text("ref"), NAME)
        shown = markup.fill_label(wording["root.pipeline"], number=number(pipeline.text("id")), branch=branch)
        return linked(markup.from_label(shown), pipeline.text("url"))
    if event.name == "note":
        shown = note.subject_of(payload, wording, SHORT_TITLE)
    else:
        shown = title_of(payload.text("object_kind"), payload.at("object_attributes"), wording, SHORT_TITLE)
    # Without the fragment of a comment, which no link is let have.
    address = payload.text("object_attributes", "url").partition("#")[0]
    return linked(markup.from_label(shown), address)
