"""The message about what happened to an HR document."""

import unicodedata
from pathlib import PurePath

from relays import markup
from relays.message import Attachment, Field, Message
from relays.nextcloud.news import News
from relays.nextcloud.telling import Telling
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

_ICONS = {
    "📄": "pdf",
    "📝": "doc docx",
    "📊": "xls xlsx csv ppt pptx",
    "📃": "txt",
    "🖼️": "jpg jpeg png gif",
    "🗜️": "zip rar 7z",
}
_ICON_OF = {f".{extension}": icon for icon, extensions in _ICONS.items() for extension in extensions.split()}
_OTHER_ICON = "📁"

# What the name of a folder holds, without accents and with spaces for hyphens and underscores.
_CATEGORIES = {
    "contrats": "contracts",
    "fiches paie": "payslips",
    "notes service": "memos",
    "documents rh": "general",
    "conges": "leave",
    "formations": "training",
}


def build(told: Telling, wording: Wording, news: News) -> Message:
    """What happened to a document of a tree that is told like this."""
    *folders, name = f"{told.name}/{news.path}".split("/")
    folder = folders[-1]
    words = f"document.{news.kind}"
    icon = markup.Label(_ICON_OF.get(PurePath(name).suffix.lower(), _OTHER_ICON))
    title = markup.fill_label(wording[f"{words}.title"], icon=icon)
    when = {
        part: markup.Markup(news.when.strftime(wording[f"document.{part}_format"]))
        for part in ("date", "time")
    }
    who = [Field(wording[f"{words}.who"], markup.plain(news.who, _WHO))] if news.who else []
    return Message(
        username=USERNAME,
        icon_emoji=ICON,
        summary=markup.fill(
            wording["document.fallback"],
            title=markup.Markup(title),
            file=markup.code(name, _SHORT_NAME),
            folder=markup.bold(folder, _FOLDER),
        ),
        attachment=Attachment(
            color=COLOR,
            title=title,
            title_link=markup.link_target(news.link),
            text=markup.fill(wording[f"{words}.text"], folder=markup.bold(folder, _FOLDER)),
            fallback=markup.fill_label(
                wording["document.fallback"],
                title=title,
                file=markup.label(name, _SHORT_NAME),
                folder=markup.label(folder, _FOLDER),
            ),
            fields=[
                Field(wording["document.file"], markup.code(name, _NAME), short=False),
                Field(wording["document.category"], _category(folders, wording)),
                Field(wording["document.size"], markup.Markup(_size(news.size))),
                Field(wording["document.date"], when["date"]),
                Field(wording["document.time"], when["time"]),
                *who,
            ],
            footer=markup.label(told.footer, _FOOTER),
        ),
    )


def _category(folders: list[str], wording: Wording) -> markup.Markup:
    # A folder without a category of its own belongs to the nearest one above, short of the root.
    own, *above = reversed(folders)
    for folder in (own, *above[:-1]):
        for part, category in _CATEGORIES.items():
            if part in _normal(folder):
                return markup.Markup(wording[f"category.{category}"])
    return markup.fill(wording["category.other"], folder=markup.plain(own, _FOLDER))


def _normal(folder: str) -> str:
    letters = unicodedata.normalize("NFD", folder.replace("-", " ").replace("_", " ").lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _size(size: int) -> str:
    megabytes = size / (1024 * 1024)
    return f"{megabytes:.2f} MB" if megabytes >= 1 else f"{size / 1024:.2f} KB"
