"""What the messages about GitLab have in common."""

import datetime
import re
from collections.abc import Callable, Iterable, Sequence

from relays.mattermost import markup
from relays.mattermost.message import Attachment, Field, Message
from relays.mattermost.message import Sentence as Sentence
from relays.sources.gitlab.payload import Payload
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
REVISION = 8

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

# Where the relay notes down what a project is to be called among those of a site (relays.sources.gitlab.projects).
SHOWN_PROJECT = "shown_project"
# An address below a project or a group.
_PLACE = re.compile(r"https?://[^/]+/(?:groups/)?(.+?)/-/")
_SHA = re.compile("[0-9a-f]+")
_NUMBER = re.compile("[0-9]{1,20}")
# As git marks the kinds of signatures: OpenPGP (two), SSH, X.509. One that was cut goes on to the end.
_SIGNATURE = re.compile(
    r"^-----BEGIN (PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----[ \r]*$"
    r".*?(?:^-----END \1-----[ \r]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)


def is_nothing(revision: str) -> bool:
    """Whether a revision stands for a branch or tag that is not there (any more)."""
    # Forty zeros, sixty-four in a SHA-256 repository.
    return bool(revision) and not revision.strip("0")


def user_of(payload: Payload, wording: Wording) -> str:
    """Who did it: the name, or what else is known of the user."""
    known = (payload.text("user", "name"), payload.text("user", "username"), payload.text("user_name"))
    return first((*known, payload.text("user_username"))) or wording["someone"]


def project_of(payload: Payload, wording: Wording) -> str:
    """What the project is called, or the group if it happened in none; empty if it says neither."""
    known = (
        payload.text(SHOWN_PROJECT),
        payload.text("project", "name"),
        payload.text("project", "path_with_namespace"),
        payload.text("repository", "name"),
        payload.text("project_name"),
        payload.text("group", "group_name"),
        payload.text("group", "name"),
    )
    return first((*known, place_of(payload)))


def place_of(payload: Payload) -> str:
    """The full path of the project or the group that an address says, for what names neither; else nothing."""
    place = _PLACE.match(payload.text("object_attributes", "url"))
    return place[1] if place else ""


def first(texts: Iterable[str]) -> str:
    """The first of the texts in which there is something to show, else an empty one."""
    return next((text for text in texts if markup.given(markup.label, text, NAME) is not None), "")


def sentence(template: str, who: str = "", **words: str | Sentence) -> Sentence:
    """A wording with the name of a person in it, and perhaps other wordings, or what has been made of them."""
    made = {name: word if isinstance(word, Sentence) else plain(word) for name, word in words.items()}
    return Sentence(
        markup.fill(
            template, user=markup.bold(who, NAME), **{name: word.text for name, word in made.items()}
        ),
        markup.fill_label(
            template, user=markup.label(who, NAME), **{name: word.label for name, word in made.items()}
        ),
    )


def plain(wording: str) -> Sentence:
    """A wording without places."""
    return Sentence(markup.Markup(wording), markup.Label(wording))


def state_of(status: str, wording: Wording) -> str:
    """The state that something is in, in the words of a language; GitLab's own for one that has none."""
    return wording.get(f"state.{status}", status)


def state_sentence(template: str, status: str) -> Sentence:
    """A wording with the state that something is in."""
    return Sentence(
        markup.fill(template, status=markup.given(markup.plain, status, NAME)),
        markup.fill_label(template, status=markup.given(markup.label, status, NAME)),
    )


def field(title: str, value: markup.Markup | None, *, short: bool = True) -> list[Field]:
    """A field, or none if its value is not known."""
    return [] if value is None else [Field(title, value, short)]


def linked(shown: markup.Markup | None, url: str) -> markup.Markup | None:
    """What is shown as a link; None if that is not known."""
    return shown and markup.link(shown, url)


def number(text: str) -> markup.Label | None:
    """The number of something, which may stand behind a #; None if it is none."""
    return markup.Label(text) if _NUMBER.fullmatch(text) else None


def short_id(sha: str) -> str:
    """The first digits of a commit's id; nothing if it is none."""
    return sha[:REVISION] if _SHA.fullmatch(sha) else ""


def unsigned(message: str) -> str:
    """What a tag or a commit says, without the signature that git keeps below it."""
    return _SIGNATURE.sub("", message)


def title_of_commit(commit: Payload) -> str:
    """The first line of a commit's message."""
    known = (unsigned(commit.text(key)).strip().partition("\n")[0] for key in ("title", "message"))
    return first(known)


def commit_line(sha: str, url: str, title: str) -> markup.Markup | None:
    """A commit by what is known of its short id, which leads to it, and its title."""
    parts = (
        linked(markup.given(markup.code, short_id(sha), REVISION), url),
        markup.given(markup.plain, title, SHORT_TITLE),
    )
    return markup.Markup(" ".join(filter(None, parts))) if any(parts) else None


def ref_field(payload: Payload, wording: Wording) -> list[Field]:
    """The branch or the tag that something ran for."""
    kind = "tag" if payload.flag("tag") else "branch"
    return field(wording[f"field.{kind}"], markup.given(markup.code, payload.text("ref"), BRANCH))


def line(template: str, **values: markup.Markup | int | None) -> Message:
    """A message of one line, for what has no state to be followed."""
    return lines(markup.fill(template, **values), [])


def lines(first: markup.Markup, others: Sequence[markup.Markup]) -> Message:
    """A message of several lines, the first of which says what happened."""

    below = "".join(f"\n{line}" for line in others)

    def say(said: Sentence, below: str = below) -> Message:
        text = markup.Markup(f"{said.text}{below}")
        return Message(USERNAME, ICON, summary=said.text, text=text, said=said, resay=resay)

    def resay(said: Sentence) -> Message:
        # A backtick of a site's own sentence may turn the code below it inside out.
        return say(said, markup.inside_out(below))

    # Without a box nobody is shown the label.
    return say(Sentence(first, markup.Label(first)))


def date(text: str, wording: Wording) -> markup.Markup | None:
    """The day of a point in time, in any of the forms that GitLab sends; None if there is none."""
    try:
        day = datetime.date.fromisoformat(text[:10])
    except ValueError:
        return markup.given(markup.plain, text, NUMBER)
    return markup.plain(day.strftime(wording["date_format"]), NUMBER)


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
    rows = [*field(wording["field.project"], markup.given(markup.plain, project, PROJECT)), *fields]

    def say(spoken: Sentence) -> Message:
        return Message(
            username=USERNAME,
            icon_emoji=ICON,
            said=spoken,
            resay=say,
            summary=markup.fill(
                wording["fallback"],
                text=spoken.text,
                title=markup.link(markup.from_label(titled(SHORT_TITLE)), link),
                project=markup.given(markup.plain, project, NAME),
            ),
            attachment=Attachment(
                color=color,
                title=titled(TITLE),
                title_link=markup.link_target(link),
                text=spoken.text,
                fallback=markup.fill_label(
                    wording["fallback"],
                    text=spoken.label,
                    title=titled(SHORT_TITLE),
                    project=markup.given(markup.label, project, NAME),
                ),
                fields=rows,
            ),
        )

    return say(said)
