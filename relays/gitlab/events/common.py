"""What the messages about GitLab have in common."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from relays import markup
from relays.gitlab.payload import Payload
from relays.message import Attachment, Field, Message
from relays.wording import Wording

USERNAME = "GitLab Bot"
ICON = ":fox_face:"

# In characters. Together they keep the worst of texts within the 7,600 that Mattermost 5.37 allows the attachments
# of a post once escaped as JSON; measured there, what goes beyond is cut without a word.
NAME = 60
NUMBER = 20
TITLE = 200
SHORT_TITLE = 100
BRANCH = 120
PROJECT = 80

COLORS = {
    "open": "#00ff00",
    "merge": "#0000ff",
    "close": "#ff0000",
    "update": "#ffaa00",
    "success": "#00ff00",
    "failed": "#ff0000",
    "create": "#00ff00",
    "delete": "#ff0000",
}
OTHER_COLOR = "#808080"
_WORDED_ACTIONS = ("open", "close", "reopen", "update", "merge", "approved")

# What GitLab changes by itself, or says better by the action; alone it makes an update no news.
_BOOKKEEPING = frozenset(
    {
        *("updated_at", "updated_by_id", "last_edited_at", "last_edited_by_id", "closed_at", "state_id"),
        *(
            "prepared_at",
            "merge_status",
            "detailed_merge_status",
            "merge_params",
            "merge_user_id",
            "merge_error",
        ),
        *("head_pipeline_id", "relative_position", "total_time_spent", "time_change"),
    }
)


def user_of(payload: Payload, wording: Wording) -> str:
    """Who did it: the name, or what else is known of the user."""
    known = (payload.text("user", "name"), payload.text("user", "username"), payload.text("user_name"))
    return next(filter(str.strip, (*known, payload.text("user_username"))), wording["someone"])


def project_of(payload: Payload, wording: Wording) -> str:
    """The name of the project."""
    known = (payload.text("project", "name"), payload.text("project", "path_with_namespace"))
    return next(filter(str.strip, (*known, payload.text("repository", "name"))), wording["unknown"])


def is_worth_telling(payload: Payload) -> bool:
    """Whether an update changed something that people care about, new commits included."""
    changes = payload.mapping("changes")
    return bool(payload.text("object_attributes", "oldrev")) or any(
        name not in _BOOKKEEPING and _differs(change) for name, change in changes.items()
    )


@dataclass(frozen=True)
class Sentence:
    """What happened, in both forms that a message needs."""

    text: markup.Markup
    label: markup.Label


def sentence(template: str, who: str, action: str = "") -> Sentence:
    """A wording with the name of a person in it, and perhaps what the person did."""
    return Sentence(
        markup.fill(template, user=markup.bold(who, NAME), action=markup.Markup(action)),
        markup.fill_label(template, user=markup.label(who, NAME), action=markup.Label(action)),
    )


def box(
    payload: Payload,
    wording: Wording,
    color: str,
    titled: Callable[[int], markup.Label],
    link: str,
    said: Sentence,
    fields: Iterable[Field],
) -> Message:
    """A coloured box about something in a project. `titled` is its title, cut to a number of characters."""
    project = project_of(payload, wording)
    return Message(
        username=USERNAME,
        icon_emoji=ICON,
        attachment=Attachment(
            color=color,
            title=titled(TITLE),
            title_link=markup.link_target(link),
            text=said.text,
            fallback=markup.fill_label(
                wording["fallback"],
                text=said.label,
                title=titled(SHORT_TITLE),
                project=markup.label(project, NAME),
            ),
            fields=[Field(wording["field.project"], markup.plain(project, PROJECT)), *fields],
        ),
    )


def announcement(kind: str, payload: Payload, wording: Wording, extra: Iterable[Field] = ()) -> Message:
    """Somebody did something to an issue or a merge request: the box that the mission draws."""
    subject = payload.at("object_attributes")
    action = subject.text("action")
    done = wording[f"action.{action if action in _WORDED_ACTIONS else 'other'}"]
    status = markup.plain(subject.text("state") or wording["unknown"], NAME)
    return box(
        payload,
        wording,
        COLORS.get(action, OTHER_COLOR),
        lambda limit: subject_title(kind, subject, wording, limit),
        subject.text("url"),
        sentence(wording[f"{kind}.text"], user_of(payload, wording), done),
        [Field(wording["field.status"], status), *extra],
    )


def subject_title(kind: str, subject: Payload, wording: Wording, limit: int) -> markup.Label:
    """The number and title of an issue or a merge request."""
    return markup.fill_label(
        wording[f"{kind}.title"],
        iid=markup.label(subject.text("iid"), NUMBER),
        title=markup.label(subject.text("title"), limit),
        type=markup.label(subject.text("type"), NUMBER),
    )


def _differs(change: object) -> bool:
    if isinstance(change, Mapping):
        return bool(change.get("previous") != change.get("current"))
    # As documented for a review that is asked for again: a list of two states instead.
    return bool(change)
