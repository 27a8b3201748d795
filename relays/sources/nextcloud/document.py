"""The message about what happened to one document.

A site's own templates (mattermost.templates) are called by what happened: `new` for the sentence, `new.title` for the
title.
They know

    file      the name, as it may be announced
    folder    the folder that it is in
    path      the path of that folder in the tree, empty for the root
    category  of the folder
    size      of the document
    who       did it; empty if that is not known
    said      what they take the place of

`new.heading` is that of a message about many of them (relays.sources.nextcloud.announcer); it knows

    count  how many there are
    tree   the name of the tree
    said   what it takes the place of
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from relays.mattermost import markup
from relays.mattermost import templates as reword
from relays.mattermost.message import Attachment, Button, Field, Message, Sentence
from relays.mattermost.templates import Values
from relays.sources.nextcloud import names
from relays.sources.nextcloud.changes import Kind, News
from relays.sources.nextcloud.options import Discretion, TreeOptions
from relays.wording import Wording

ICON = ":file_folder:"
TAKE = "take"
"""The action of the button of a document."""
COLOR = "#0082c9"

# In characters; see relays.sources.gitlab.events.common for what they add up to.
_NAME = 255
_SHORT_NAME = 120
_FOLDER = 100
_FOOTER = 100
_WHO = 100
_TITLE = 100

# Below, kilobytes would say nothing.
_FEW_BYTES = 10
_SAMPLE_COUNT = 20


def build(options: TreeOptions, wording: Wording, news: News, about: str = "") -> Message:
    """What happened to a document of a tree that is announced like this.

    `about` is the conversation that begins with it, if who takes the document is to say so by a button.
    """
    title, said = (
        options.templates.say(name, _values(options, wording, news), sentence)
        for name, sentence in _sentences(options, wording, news).items()
    )
    *folders, _ = f"{options.name}/{news.path}".split("/")
    name, folder = names.shown(options, news.path), names.folder_of(options, news.path)
    when = {
        part: markup.Markup(news.when.strftime(wording[f"document.{part}_format"]))
        for part in ("date", "time")
    }
    person = names.person(wording, news)
    who = [Field(wording[f"document.{news.kind}.who"], markup.plain(person, _WHO))] if person else []
    is_open = options.discretion_of(news.path) is Discretion.FULL
    return Message(
        username=options.username,
        icon_emoji=ICON,
        summary=markup.fill(
            wording["document.fallback"],
            title=title.text,
            file=markup.code(name, _SHORT_NAME),
            folder=markup.bold(folder, _FOLDER),
        ),
        attachment=Attachment(
            color=COLOR,
            title=markup.Label(title.label[:_TITLE]),
            # The page that it leads to shows the name.
            title_link=markup.link_target(news.link) if is_open else "",
            text=said.text,
            fallback=markup.fill_label(
                wording["document.fallback"],
                title=title.label,
                file=markup.label(name, _SHORT_NAME),
                folder=markup.label(folder, _FOLDER),
            ),
            fields=[
                Field(wording["document.file"], markup.code(name, _NAME), short=False),
                Field(wording["document.category"], names.category(options, folders, wording)),
                Field(wording["document.size"], markup.Markup(_size(wording, news.size))),
                Field(wording["document.date"], when["date"]),
                Field(wording["document.time"], when["time"]),
                *who,
            ],
            footer=markup.label(options.footer, _FOOTER) if options.footer else None,
            buttons=[Button(TAKE, markup.Label(wording["button.take"]), about)] if about else (),
        ),
    )


def taken(wording: Wording, root: Message, name: str, at: float) -> Message:
    """The first post of the conversation about a document that somebody has taken: who and when, and no button."""
    if root.attachment is None:
        return root
    when = datetime.fromtimestamp(at).strftime(wording["document.taken_format"])
    by = markup.fill(wording["document.taken.who"], name=markup.plain(name, _WHO), when=markup.Markup(when))
    fields = [*root.attachment.fields, Field(wording["document.taken"], by, short=False)]
    return replace(root, attachment=replace(root.attachment, fields=fields, buttons=()))


def reply(options: TreeOptions, wording: Wording, news: News) -> Message:
    """The same in one line, for the conversation about a document, whose first post shows it as it is now.

    A template for the sentence takes the place of the line.
    """
    name, person = names.shown(options, news.path), names.person(wording, news)
    text, size = wording[f"document.{news.kind}.reply"], _size(wording, news.size)
    said = options.templates.say(
        news.kind.value,
        _values(options, wording, news),
        Sentence(
            markup.fill(
                text,
                file=markup.code(name, _NAME),
                size=markup.Markup(size),
                who=markup.plain(person, _WHO) if person else None,
            ),
            markup.fill_label(
                text,
                file=markup.label(name, _NAME),
                size=markup.Label(size),
                who=markup.label(person, _WHO) if person else None,
            ),
        ),
    )
    return Message(username=options.username, icon_emoji=ICON, summary=said.text, text=said.text)


def faults(
    sources: Mapping[str, str], options: TreeOptions, wording: Wording, samples: list[News]
) -> Iterator[tuple[str, str]]:
    """The templates that cannot be used, by name, each with the reason and the remedy."""
    for name, source in sources.items():
        tried = [news for news in samples if news.kind == name.removesuffix(".title")]
        filled = [(_values(options, wording, news), _sentences(options, wording, news)) for news in tried]
        if name.endswith(".heading"):
            kind = Kind(name.removesuffix(".heading"))
            filled = [
                (heading_values(options, count), {name: heading(options, wording, kind, count)})
                for count in (1, _SAMPLE_COUNT)
            ]
        reason = reword.fault(name, source, [(values, said[name]) for values, said in filled])
        if reason:
            yield name, reason


def heading(options: TreeOptions, wording: Wording, kind: Kind, count: int) -> Sentence:
    """The built-in heading of a message about many documents."""
    text = wording[f"documents.{kind}.{'one' if count == 1 else 'many'}"]
    icon, label = names.OTHER_ICON, names.kind_of_documents(options, wording)
    said = markup.fill(text, icon=markup.Markup(icon), count=count, label=label.text)
    return Sentence(
        markup.Markup(_capital(said, icon)),
        markup.Label(
            _capital(markup.fill_label(text, icon=markup.Label(icon), count=count, label=label.label), icon)
        ),
    )


def heading_values(options: TreeOptions, count: int) -> Values:
    """What a template for such a heading knows."""
    return {"count": count, "tree": options.name}


def _sentences(options: TreeOptions, wording: Wording, news: News) -> dict[str, Sentence]:
    """The built-in title and sentence, by the names of the templates that can take their places."""
    name, folder = news.path.rpartition("/")[2], names.folder_of(options, news.path)
    icon, label = names.icon(options, name), names.kind_of_documents(options, wording)
    said = markup.fill_label(wording[f"document.{news.kind}.title"], icon=icon, label=label.label)
    title = markup.Label(_capital(said, icon))
    text = wording[f"document.{news.kind}.text"]
    return {
        f"{news.kind}.title": Sentence(markup.Markup(title), title),
        news.kind.value: Sentence(
            markup.fill(text, folder=markup.bold(folder, _FOLDER)),
            markup.fill_label(text, folder=markup.label(folder, _FOLDER)),
        ),
    }


def _values(options: TreeOptions, wording: Wording, news: News) -> Values:
    *folders, _ = f"{options.name}/{news.path}".split("/")
    return {
        "file": names.shown(options, news.path),
        "folder": folders[-1],
        "path": "/".join(folders[1:]),
        "category": names.category(options, folders, wording),
        "size": _size(wording, news.size),
        "who": names.person(wording, news),
    }


def _capital(said: str, icon: str) -> str:
    """With a capital letter behind the icon: what stands there first depends on what the documents are called."""
    begin = len(icon) + 1
    return said[:begin] + said[begin : begin + 1].upper() + said[begin + 1 :]


def _size(wording: Wording, size: int) -> str:
    if size < _FEW_BYTES:
        number = {0: "none", 1: "one"}.get(size, "many")
        return wording[f"document.bytes.{number}"].format(count=size)
    megabytes = size / (1024 * 1024)
    return f"{megabytes:.2f} MB" if megabytes >= 1 else f"{size / 1024:.2f} KB"
