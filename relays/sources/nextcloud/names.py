"""What names say: the icon of a document, its folder and the category of that, and its own name as it may be shown."""

import unicodedata
from collections.abc import Sequence
from pathlib import PurePath

from relays.mattermost import markup
from relays.mattermost.message import Sentence
from relays.sources.nextcloud.changes import News
from relays.sources.nextcloud.options import Discretion, TreeOptions
from relays.wording import Wording

OTHER_ICON = "📁"

_ICONS = {
    "📄": "pdf",
    "📝": "doc docx",
    "📊": "xls xlsx csv ppt pptx",
    "📃": "txt",
    "🖼️": "jpg jpeg png gif",
    "🗜️": "zip rar 7z",
}
_ICON_OF = {extension: icon for icon, extensions in _ICONS.items() for extension in extensions.split()}

# What the name of a folder holds, without accents and with spaces for hyphens and underscores.
_CATEGORIES = {
    "contrats": "contracts",
    "fiches paie": "payslips",
    "notes service": "memos",
    "documents rh": "general",
    "conges": "leave",
    "formations": "training",
}
# As many for every name, so that not even its length is announced.
_MASK = "•" * 6
_LONGEST = 100
_LONGEST_NICKNAME = 40


def icon(options: TreeOptions, name: str) -> markup.Label:
    """The icon of a document, by its extension."""
    extension = _extension(name)
    own = options.icons.get(extension)
    return markup.label(own, _LONGEST) if own else markup.Label(_ICON_OF.get(extension, OTHER_ICON))


def kind_of_documents(options: TreeOptions, wording: Wording) -> Sentence:
    """What is said with the word for a document, with a space where it stands beside it."""
    kind = wording["document.hr"] if options.label is None else options.label
    if not kind:
        return Sentence(markup.Markup(""), markup.Label(""))
    text = wording["document.label"]
    return Sentence(
        markup.fill(text, label=markup.plain(kind, _LONGEST)),
        markup.fill_label(text, label=markup.label(kind, _LONGEST)),
    )


def folder_of(options: TreeOptions, path: str) -> str:
    """The folder of a document as people write it: its path below the tree, the end of it if that is long."""
    above = path.split("/")[:-1]
    shown = " / ".join(above) or options.name
    if len(shown) > _LONGEST and len(above) > 1:
        while len(above) > 1 and len(" / ".join(above)) > _LONGEST - 4:
            above.pop(0)
        shown = f"… / {' / '.join(above)}"
    return shown


def person(wording: Wording, news: News) -> str:
    """Who it was; empty if that is not known."""
    if not (news.who and news.is_guest):
        return news.who
    nickname = news.who
    # Cut here, as that it is a guest must show however long the name is that they gave.
    if len(nickname) > _LONGEST_NICKNAME:
        nickname = f"{nickname[: _LONGEST_NICKNAME - 1]}…"
    return wording["document.guest"].format(name=nickname)


def category(options: TreeOptions, folders: Sequence[str], wording: Wording) -> markup.Markup:
    """The category of a folder, the last one, which lies in those before it; the first one is the root of the tree."""
    # A folder without a category of its own belongs to the nearest one above, short of the root.
    own, *above = reversed(folders)
    for folder in map(_normal, (own, *above[:-1])):
        for part, shown in options.categories.items():
            if _normal(part) in folder:
                return markup.plain(shown, _LONGEST)
        for part, key in _CATEGORIES.items():
            if part in folder:
                return markup.Markup(wording[f"category.{key}"])
    return markup.fill(wording["category.other"], folder=markup.plain(own, _LONGEST))


def shown(options: TreeOptions, path: str) -> str:
    """The name of the document at a path as it may be announced."""
    name = PurePath(path).name
    discretion = options.discretion_of(path)
    if discretion is Discretion.FULL:
        return name
    if discretion is Discretion.COUNT:
        return _MASK
    extension = _extension(name)
    # What else comes after a dot may be a part of the name.
    known = extension in options.icons or extension in _ICON_OF
    return name[0] + _MASK + (f".{extension}" if known else "")


def _extension(name: str) -> str:
    return PurePath(name).suffix.lower().removeprefix(".")


def _normal(folder: str) -> str:
    letters = unicodedata.normalize("NFD", folder.replace("-", " ").replace("_", " ").lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
