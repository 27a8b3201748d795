"""Issues, work items and merge requests: what their messages have in common."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relays.mattermost import markup
from relays.mattermost.message import Field, Message
from relays.sources.gitlab.events.changes import action_of, changes_of
from relays.sources.gitlab.events.common import (
    COLORS,
    NAME,
    NUMBER,
    OTHER_COLOR,
    TITLE,
    Sentence,
    box,
    field,
    number,
    plain,
    sentence,
    state_of,
    user_of,
)
from relays.sources.gitlab.events.details import details_of
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

# The types of work items that GitLab defines itself (its code of 18.5 and 19.x); a site can have others.
_TYPES = (
    *("epic", "incident", "issue", "key_result", "objective"),
    *("requirement", "task", "test_case", "ticket"),
)


@dataclass(frozen=True)
class Act:
    """What somebody did: the end of its wording's key, what is added to that, the changes in words, the details."""

    said: str
    also: str = ""
    words: str = ""
    details: Sequence[Field] = ()


def act_of(payload: Payload, wording: Wording, said: str) -> Act:
    """What an event comes to whose action is `said` so: a new thing has details, an update has changes."""
    if action_of(payload) == "open":
        return Act(said, details=details_of(payload, wording))
    if payload.text("object_attributes", "action") != "update":
        return Act(said)
    changes = changes_of(payload, wording)
    if said == "update":
        return Act("update" if changes.words else "other", "", changes.words, changes.details)
    return Act(said, wording["changed.also"] if changes.words else "", changes.words, changes.details)


def reply_saying(key: str, message: Message, payload: Payload, wording: Wording) -> Message:
    """The message with the sentence of `key` in it, where the wording has one."""
    if key not in wording or message.resay is None:
        return message
    return message.resay(sentence(wording[key], user_of(payload, wording)))


def announcement(payload: Payload, wording: Wording, said: Sentence, extra: Iterable[Field]) -> Message:
    """Somebody did something to it: the box that the mission draws."""
    subject = payload.at("object_attributes")
    status = markup.given(markup.plain, state_of(subject.text("state"), wording), NAME)
    return box(
        payload,
        wording,
        COLORS.get(action_of(payload), OTHER_COLOR),
        lambda limit: title_of(payload.text("object_kind"), subject, wording, limit),
        subject.text("url"),
        said,
        [*field(wording["field.status"], status), *extra],
    )


def title_of(kind: str, subject: Payload, wording: Wording, limit: int = TITLE) -> markup.Label:
    """The type, number and title of an issue, a work item or a merge request."""
    known = "merge_request" if kind == "merge_request" else type_of(subject)
    return markup.fill_label(
        wording["merge_request.title" if kind == "merge_request" else "subject.title"],
        type=markup.Label(wording[f"type.{known}"]) if known else _named_type(subject, wording),
        iid=number(subject.text("iid")),
        title=markup.given(markup.label, subject.text("title"), limit),
    )


def _named_type(subject: Payload, wording: Wording) -> markup.Label:
    """A type that is not known here, in its own words."""
    return markup.given(markup.label, subject.text("type"), NUMBER) or markup.Label(wording["type.issue"])


def type_of(subject: Payload) -> str:
    """The type of an issue or a work item; empty if it is none that is known."""
    # An incident comes as an issue or as a work item; where no type is said it is an issue.
    named = subject.text("type").lower().replace(" ", "_") or "issue"
    return named if named in _TYPES else ""


def noun_of(subject: Payload, wording: Wording) -> Sentence:
    """An issue or a work item by its type, as it stands in a sentence."""
    known = type_of(subject)
    if known:
        return plain(wording[f"a.{known}"])
    named = subject.text("type")
    return Sentence(
        markup.fill(wording["a.work_item"], type=markup.given(markup.plain, named, NAME)),
        markup.fill_label(wording["a.work_item"], type=markup.given(markup.label, named, NAME)),
    )
