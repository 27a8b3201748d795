"""A message for Mattermost, built from texts that are inert (relays.mattermost.markup) and within its limits.

Measured on Mattermost 5.37: remote images in a post delay it by five seconds each, so there are none. Mobile
notifications show the text and the `fallback` of the attachment only.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from relays.mattermost.markup import Label, Markup, without_slack_links

# Mattermost 5.37 allows the properties of a post 7,600 characters of JSON (measured there; 11.6 a hundred times as
# many): what goes beyond is cut without a word, or the post is refused. The rest is for names and the icon.
_MOST_CHARACTERS = 7_000
# What is put into a button when it is posted: an address, and who has made it until when.
_SIGNATURE_CHARACTERS = 400


# Whom a relay speaks as when it speaks of itself.
RELAY = "Passerelle"


@dataclass(frozen=True)
class Field:
    """A titled value of an attachment; short ones stand side by side."""

    title: str
    value: Markup
    short: bool = True


@dataclass(frozen=True)
class Button:
    """What can be pressed: its action, of letters, what it says, and the conversation that it is about."""

    action: str
    name: Label
    conversation: str


@dataclass(frozen=True)
class Attachment:
    """The coloured box. `title_link` is an address or empty. Only a bot shows buttons (relays.mattermost.buttons)."""

    color: str
    title: Label
    text: Markup
    fallback: Label
    fields: Sequence[Field]
    title_link: str = ""
    footer: Label | None = None
    buttons: Sequence[Button] = ()


@dataclass(frozen=True)
class Sentence:
    """What happened, in both forms that a message needs."""

    text: Markup
    label: Label


@dataclass(frozen=True)
class Message:
    """A message of `username`: a text, a box, or both. `summary` says the same in one line.

    `said` is the sentence in it that says what happened, and `resay` makes the same message with another one; None
    if there is none that could be replaced.
    """

    username: str
    icon_emoji: str
    summary: Markup
    text: Markup | None = None
    attachment: Attachment | None = None
    said: Sentence | None = None
    resay: Callable[[Sentence], "Message"] | None = None

    def short(self) -> "Message":
        """The message in one line."""
        return replace(self, text=self.summary, attachment=None)

    def below(self, lines: Sequence[Markup]) -> "Message":
        """The message with more lines in its text and its summary, where mentions notify."""
        text, summary = "\n".join(filter(None, (self.text, *lines))), " ".join((self.summary, *lines))
        return replace(self, text=Markup(text), summary=Markup(summary)) if lines else self

    def payload(self) -> dict[str, object]:
        """The message as an incoming webhook takes it."""
        payload: dict[str, object] = {"username": self.username, "icon_emoji": self.icon_emoji}
        if self.text is not None:
            payload["text"] = without_slack_links(self.text)
        if self.attachment is not None:
            payload["attachments"] = [_fitting(_payload(self.attachment))]
        return payload


def restored(payload: Mapping[str, Any], summary: str) -> Message:
    """The message that a payload was made of, with this summary and without buttons."""
    box = next(iter(payload.get("attachments") or ()), None)
    text = payload.get("text")
    return Message(
        payload["username"],
        payload["icon_emoji"],
        summary=Markup(summary),
        text=None if text is None else Markup(text),
        attachment=box
        and Attachment(
            color=box["color"],
            title=Label(box["title"]),
            text=Markup(box["text"]),
            fallback=Label(box["fallback"]),
            fields=[Field(each["title"], Markup(each["value"]), each["short"]) for each in box["fields"]],
            title_link=box.get("title_link", ""),
            footer=Label(box["footer"]) if "footer" in box else None,
        ),
    )


def _fitting(attachment: dict[str, object]) -> dict[str, object]:
    """The box without its last fields, if it is too large with them, and then with the beginning of its fallback."""
    fields = cast(list[object], attachment["fields"])
    while fields and _length(attachment) > _MOST_CHARACTERS:
        fields.pop()
    if (excess := _length(attachment) - _MOST_CHARACTERS) > 0:
        fallback = str(attachment["fallback"])
        attachment["fallback"] = fallback[: max(0, len(fallback) - excess)]
    return attachment


def _length(attachment: dict[str, object]) -> int:
    """As Mattermost counts: JSON as Go writes it."""
    text = json.dumps([attachment], ensure_ascii=False, separators=(",", ":"))
    signatures = _SIGNATURE_CHARACTERS * len(cast(list[object], attachment.get("actions", [])))
    return len(text) + signatures + 5 * sum(text.count(character) for character in "<>&\u2028\u2029")


def _payload(attachment: Attachment) -> dict[str, object]:
    payload: dict[str, object] = {
        "color": attachment.color,
        "title": attachment.title,
        "text": without_slack_links(attachment.text),
        "fallback": attachment.fallback,
        "fields": [
            {"short": field.short, "title": field.title, "value": without_slack_links(field.value)}
            for field in attachment.fields
        ],
    }
    if attachment.title_link:
        payload["title_link"] = attachment.title_link
    if attachment.footer:
        payload["footer"] = attachment.footer
    if attachment.buttons:
        payload["actions"] = [
            {
                "id": button.action,
                "name": button.name,
                "type": "button",
                # Where it leads and its signature are put in when it is posted.
                "integration": {"context": {"conversation": button.conversation}},
            }
            for button in attachment.buttons
        ]
    return payload
