"""The message about what happened to one document.

A site's own templates (relays.reword) are called by what happened: `new` for the sentence, `new.title` for the title.
They know

    file      the name, as it may be told
    folder    the folder that it is in
    path      the path of that folder in the tree, empty for the root
    category  of the folder
    size      of the document
    who       did it; empty if that is not known
    said      what they take the place of
"""

from collections.abc import Iterator, Mapping

from relays import markup, reword
from relays.message import Attachment, Field, Message, Sentence
from relays.nextcloud import names
from relays.nextcloud.news import Kind, News
from relays.nextcloud.telling import Discretion, Telling
from relays.reword import Values
from relays.wording import Wording

USERNAME = "Nextcloud RH Bot"
ICON = ":file_folder:"
COLOR = "#0082c9"

# In characters; see relays.gitlab.events.common for what they add up to.
_NAME = 255
_SHORT_NAME = 120
_FOLDER = 100
_FOOTER = 100
_WHO = 100
_TITLE = 100

TEMPLATES = tuple(name for kind in Kind for name in (kind.value, f"{kind}.title"))


def build(told: Telling, wording: Wording, news: News) -> Message:
    """What happened to a document of a tree that is told like this."""
    title, said = (
        told.templates.say(name, _values(told, wording, news), sentence)
        for name, sentence in _sentences(told, wording, news).items()
    )
    *folders, _ = f"{told.name}/{news.path}".split("/")
    name, folder = names.shown(told, news.path), folders[-1]
    when = {
        part: markup.Markup(news.when.strftime(wording[f"document.{part}_format"]))
        for part in ("date", "time")
    }
    who = [Field(wording[f"document.{news.kind}.who"], markup.plain(news.who, _WHO))] if news.who else []
    is_open = told.discretion_of(news.path) is Discretion.FULL
    return Message(
        username=USERNAME,
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
            # The page that it leads to tells the name.
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
                Field(wording["document.category"], names.category(told, folders, wording)),
                Field(wording["document.size"], markup.Markup(_size(news.size))),
                Field(wording["document.date"], when["date"]),
                Field(wording["document.time"], when["time"]),
                *who,
            ],
            footer=markup.label(told.footer, _FOOTER) if told.footer else None,
        ),
    )


def faults(
    sources: Mapping[str, str], told: Telling, wording: Wording, samples: list[News]
) -> Iterator[tuple[str, str]]:
    """The templates that cannot be used, by name, each with the reason and the remedy."""
    for name, source in sources.items():
        if name not in TEMPLATES:
            yield name, f"there is no {name}; known are {', '.join(TEMPLATES)}"
            continue
        tried = [news for news in samples if news.kind == name.removesuffix(".title")]
        reason = reword.fault(
            name,
            source,
            [(_values(told, wording, news), _sentences(told, wording, news)[name]) for news in tried],
        )
        if reason:
            yield name, reason


def _sentences(told: Telling, wording: Wording, news: News) -> dict[str, Sentence]:
    """The built-in title and sentence, by the names of the templates that can take their places."""
    name = news.path.rpartition("/")[2]
    folder = f"{told.name}/{news.path}".split("/")[-2]
    title = markup.fill_label(wording[f"document.{news.kind}.title"], icon=names.icon(told, name))
    text = wording[f"document.{news.kind}.text"]
    return {
        f"{news.kind}.title": Sentence(markup.Markup(title), title),
        news.kind.value: Sentence(
            markup.fill(text, folder=markup.bold(folder, _FOLDER)),
            markup.fill_label(text, folder=markup.label(folder, _FOLDER)),
        ),
    }


def _values(told: Telling, wording: Wording, news: News) -> Values:
    *folders, _ = f"{told.name}/{news.path}".split("/")
    return {
        "file": names.shown(told, news.path),
        "folder": folders[-1],
        "path": "/".join(folders[1:]),
        "category": names.category(told, folders, wording),
        "size": _size(news.size),
        "who": news.who,
    }


def _size(size: int) -> str:
    megabytes = size / (1024 * 1024)
    return f"{megabytes:.2f} MB" if megabytes >= 1 else f"{size / 1024:.2f} KB"
