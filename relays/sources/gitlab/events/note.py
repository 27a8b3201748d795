"""Comments."""

import re
from collections.abc import Iterator, Mapping

from relays.mattermost import markdown, markup, parts
from relays.mattermost.message import Field, Message
from relays.sources.gitlab.confidentiality import is_about_the_open
from relays.sources.gitlab.conversations import facts
from relays.sources.gitlab.conversations.contribution import Contribution
from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events.common import (
    COLORS,
    NAME,
    REVISION,
    box,
    field,
    lines,
    sentence,
    short_id,
    title_of_commit,
    user_of,
)
from relays.sources.gitlab.events.subject import title_of
from relays.sources.gitlab.noise import is_by_bot
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

# As Mattermost counts; see relays.sources.gitlab.events.common for what all texts of a message add up to.
_COMMENT = 1_500
_SAID = {"create": "text", "update": "edited"}
# Whom a comment names after so many others is not looked for.
_MOST_MENTIONED = 20
# Where the relay notes down who in Mattermost is mentioned in a comment (relays.sources.gitlab.conversations).
PEOPLE = "people_mentioned"
# What a comment or a reaction is about has them.
LABELS_AT = (("issue",), ("work_item",), ("merge_request",))
_SERVER = re.compile(r"https?://[^/]+", re.IGNORECASE)


class Note(EventKind):
    """A comment."""

    name = "note"
    gitlab_names = ("note",)
    actions = ("create", "update")
    triggers = ("note_events",)
    confidential_triggers = ("confidential_note_events",)
    author_at = ("user", "username")
    branch_at = ("merge_request", "target_branch")
    labels_at = LABELS_AT
    maybe_confidential = True

    def build(self, payload: Payload, wording: Wording) -> Message | None:
        """Who commented on what, or changed a comment; None for what GitLab itself notes down."""
        note = payload.at("object_attributes")
        if note.flag("system"):
            return None
        (action,) = self.actions_of(payload)
        said = _SAID.get(action, "other")
        return box(
            payload,
            wording,
            COLORS["update"],
            lambda limit: subject_of(payload, wording, limit),
            note.text("url"),
            sentence(wording[f"note.{said}"], user_of(payload, wording)),
            [*place_of_comment(payload, wording), *text_of_comment(payload, wording, boxed=True)],
        )

    def actions_of(self, payload: Payload) -> tuple[str]:
        # Before 16.11 GitLab said nothing of edits.
        return (payload.text("object_attributes", "action") or "create",)

    def is_confidential(self, payload: Payload, header: str) -> bool:
        return super().is_confidential(payload, header) or not is_about_the_open(payload, header)

    def noises(self, payload: Payload, actions: frozenset[str]) -> Iterator[str]:
        if is_by_bot(payload):
            yield "bots"
        if "create" not in actions:
            yield "comment_edits"

    def contribution(self, payload: Payload, project: str, actions: frozenset[str]) -> Contribution | None:
        counts = (
            {"comments": 1} if "create" in actions and not payload.flag("object_attributes", "system") else {}
        )
        return of_companion(payload, project, counts)

    def reply(self, payload: Payload, wording: Wording) -> Message | None:
        if payload.flag("object_attributes", "system"):
            return None
        (action,) = self.actions_of(payload)
        place = next((shown.value for shown in place_of_comment(payload, wording)), None)
        first = markup.fill(
            wording[f"reply.note.{_SAID.get(action, 'other')}"],
            user=markup.bold(user_of(payload, wording), NAME),
            place=place,
        )
        text = text_of_comment(payload, wording, people=people_in(payload))
        return lines(first, [shown.value for shown in text])


def of_companion(payload: Payload, project: str, counts: Mapping[str, int]) -> Contribution | None:
    """What a comment or a reaction says of the conversation about what it is on; None if that has none."""
    for kind in ("merge_request", "issue", "work_item"):
        subject = payload.at(kind)
        if number := subject.text("iid"):
            found = {"subject": facts.title_of_subject(subject), **dict(facts.of_author(payload, subject))}
            of = "merge_request" if kind == "merge_request" else "issue"
            return Contribution(of, project, number, found, counts, replies=True)
    return None


def people_in(payload: Payload) -> Mapping[str, str]:
    """Who in Mattermost is mentioned by which user name in a comment, as the relay has noted it down."""
    names = payload.mapping(PEOPLE)
    return {name: known for name, known in names.items() if isinstance(known, str)}


def mentioned_in(payload: Payload) -> list[str]:
    """The first user names that a comment mentions, in lower case, each once."""
    return markdown.mentioned(payload.text("object_attributes", "note"))[:_MOST_MENTIONED]


def text_of_comment(
    payload: Payload,
    wording: Wording,
    *,
    boxed: bool = False,
    most: int = _COMMENT,
    people: Mapping[str, str] | None = None,
) -> list[Field]:
    """What a comment says, in the shape that it has; `boxed`: for a box, not for the text of a post.

    It is cut at about `most`. `people` are mentioned (mattermost.markdown).
    """
    text = payload.text("object_attributes", "note")
    shown = markdown.render(text, _link_base(payload), wording, most, boxed=boxed, people=people)
    return field(wording["field.comment"], shown, short=False)


def _link_base(payload: Payload) -> parts.LinkBase:
    """Where the addresses lead that a text leaves incomplete."""
    project, path = payload.text("project", "web_url"), payload.text("project", "path_with_namespace")
    if path and project.endswith(f"/{path}"):  # GitLab itself may be below a path
        return parts.LinkBase(project, project.removesuffix(f"/{path}"))
    server = _SERVER.match(project or payload.text("object_attributes", "url"))
    return parts.LinkBase(project, server.group() if server else "")


def subject_of(payload: Payload, wording: Wording, limit: int) -> markup.Label:
    """The title of what a comment or a reaction is about."""
    for kind in ("merge_request", "issue", "work_item"):
        if payload.mapping(kind):
            return title_of(kind, payload.at(kind), wording, limit)
    if payload.mapping("commit"):
        sha = short_id(payload.text("commit", "id"))
        name = markup.given(markup.label, sha, REVISION) or markup.Label(wording["field.commit"])
        return _named(name, title_of_commit(payload.at("commit")), wording, limit)
    for kind in ("snippet", "project_snippet"):
        if payload.mapping(kind):
            return _named(markup.Label(wording["snippet"]), payload.text(kind, "title"), wording, limit)
    return markup.Label(wording["field.comment"])  # on something that GitLab does not send along


def _named(name: markup.Label, title: str, wording: Wording, limit: int) -> markup.Label:
    return markup.fill_label(wording["note.title"], name=name, title=markup.given(markup.label, title, limit))


def place_of_comment(payload: Payload, wording: Wording) -> list[Field]:
    """The file and line that a comment stands at."""
    position = payload.at("object_attributes", "position")
    path = position.text("new_path") or position.text("old_path")
    if not path:
        return []
    number = position.text("new_line") or position.text("old_line")
    place = f"{path}:{number}" if number else path
    # Its end says more than its start.
    shown = place if len(place) <= NAME else f"…{place[1 - NAME :]}"
    return [Field(wording["field.file"], markup.code(shown, NAME))]
