"""From news of a tree to notifications: one for each document, or one for many that are announced together.

What is announced together says how many documents there are in which folder, with the first names if they may be
announced.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from relays.delivery.outbox import Notification
from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.mattermost.message import Message
from relays.sources.nextcloud import document, names
from relays.sources.nextcloud.changes import Kind, News
from relays.sources.nextcloud.options import Discretion, TreeOptions
from relays.wording import Wording

ANSWERS = (Kind.VERSION, Kind.DELETED)
"""What happens to a known document; with all else a conversation begins."""
NOWHERE: Mapping[str, str] = {}

_FIRST_NAMES = 3
_FOLDERS = 30
_SUMMED_UP = 3
_PEOPLE = 3
_NAME = 60
_FOLDER = 100
# Mattermost cuts a text after 16,383 characters, anywhere in it (measured on 5.37).
_MOST_CHARACTERS = 12_000


@dataclass(frozen=True)
class Announcement:
    """A notification, and what the journal says of it once it is stored: no name that may not be announced."""

    notification: Notification
    lines: Sequence[str]


def alone(
    options: TreeOptions, wording: Wording, news: News, conversation: str = "", *, has_button: bool = False
) -> Announcement:
    """One document, in the `conversation` about it if there is one; `has_button`: in which people say who takes it.

    The first post of a conversation shows the document as it is now; what happens to a known one answers there.
    """
    folder = news.path.rpartition("/")[0]
    shown = f"{folder}/{names.shown(options, news.path)}".lstrip("/")
    about = conversation if has_button and news.kind is not Kind.DELETED else ""
    message: Message | None = document.build(options, wording, news, about)
    root = None
    if conversation:
        root, message = message, document.reply(options, wording, news) if news.kind in ANSWERS else None
    return _announce(options, message, news.kind, [f"path={shown!r}"], conversation, root)


def together(
    options: TreeOptions,
    wording: Wording,
    news: Sequence[News],
    conversations: Mapping[str, str] = NOWHERE,
    *,
    has_button: bool = False,
) -> Iterator[Announcement]:
    """Documents of any number, in one notification for each kind of news; a single one in its own conversation.

    `conversations` are those about the documents, by their paths; for `has_button` see `alone`.
    """
    for kind in Kind:
        of_kind = [each for each in news if each.kind is kind]
        if len(of_kind) == 1 and options.discretion_of(of_kind[0].path) is not Discretion.COUNT:
            conversation = conversations.get(of_kind[0].path, "")
            yield alone(options, wording, of_kind[0], conversation, has_button=has_button)
        elif of_kind:
            folders: dict[str, list[News]] = defaultdict(list)
            for each in of_kind:
                folders[each.path.rpartition("/")[0]].append(each)
            lines = [f"folder={folder!r} documents={len(inside)}" for folder, inside in folders.items()]
            yield _announce(options, _count(options, wording, kind, folders), kind, lines)


def _announce(
    options: TreeOptions,
    message: Message | None,
    kind: Kind,
    lines: list[str],
    conversation: str = "",
    root: Message | None = None,
) -> Announcement:
    key = f"nextcloud:{uuid.uuid4().hex}"
    return Announcement(
        Notification(key, options.channel, message, conversation, root),
        [f"key={key} kind={kind} {line}" for line in lines],
    )


def _count(options: TreeOptions, wording: Wording, kind: Kind, folders: dict[str, list[News]]) -> Message:
    total = sum(map(len, folders.values()))
    said = options.templates.say(
        f"{kind}.heading",
        document.heading_values(options, total),
        document.heading(options, wording, kind, total),
    )
    heading = said.text
    lines = [_line(options, wording, folder, inside) for folder, inside in folders.items()]
    people = _people(options, wording, kind, [each for inside in folders.values() for each in inside])
    text = "\n".join((f"**{heading}**", *people, "", *_fitting(wording, lines, folders)))
    first = [
        markup.fill(wording["documents.folder"], folder=_shown(options, folder), count=len(inside))
        for folder, inside in list(folders.items())[:_SUMMED_UP]
    ]
    more = ["…"] if len(folders) > _SUMMED_UP else []
    return Message(
        username=options.username,
        icon_emoji=document.ICON,
        summary=Markup(" – ".join((heading, ", ".join((*first, *more)), *people))),
        text=Markup(text),
    )


def _people(options: TreeOptions, wording: Wording, kind: Kind, news: Sequence[News]) -> list[Markup]:
    """Who it was, if they are few; of whom not all documents are, with how many."""
    named = Counter(
        names.person(wording, each)
        for each in news
        if each.who and options.discretion_of(each.path) is not Discretion.COUNT
    )
    if not 0 < len(named) <= _PEOPLE:
        return []
    people = ", ".join(
        name if count == len(news) else markup.fill(wording["documents.person"], person=name, count=count)
        for name, count in ((markup.plain(name, _NAME), count) for name, count in named.most_common())
    )
    return [markup.fill(wording[f"documents.{kind}.who"], people=Markup(people))]


def _line(options: TreeOptions, wording: Wording, folder: str, inside: list[News]) -> Markup:
    line = markup.fill(wording["documents.folder"], folder=_shown(options, folder), count=len(inside))
    discretion = options.discretion_of(inside[0].path)
    if discretion is Discretion.COUNT:
        return Markup(f"- {line}")
    shown = [_name(options, each, discretion) for each in inside[:_FIRST_NAMES]]
    more = ["…"] if len(inside) > _FIRST_NAMES else []
    return Markup(f"- {line} ({', '.join((*shown, *more))})")


def _name(options: TreeOptions, news: News, discretion: Discretion) -> Markup:
    name = names.shown(options, news.path)
    # The page that a link leads to shows the name.
    if news.link and discretion is Discretion.FULL:
        return markup.link(markup.plain(name, _NAME), news.link)
    return markup.code(name, _NAME)


def _fitting(wording: Wording, lines: list[Markup], folders: dict[str, list[News]]) -> Iterator[Markup]:
    """The lines that have room, and how much there is in the folders of the others."""
    characters = 0
    for place, line in enumerate(lines):
        characters += len(line) + 1
        if place == _FOLDERS or characters > _MOST_CHARACTERS:
            others = list(folders.values())[place:]
            count = sum(map(len, others))
            yield markup.fill(wording["documents.others"], folders=len(others), count=count)
            return
        yield line


def _shown(options: TreeOptions, folder: str) -> Markup:
    return markup.bold(names.folder_of(options, f"{folder}/" if folder else ""), _FOLDER)
