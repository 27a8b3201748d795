"""The trees that a site wants watched, as nextcloud.toml says it."""

import os
from dataclasses import dataclass
from pathlib import Path, PurePath

from jinja2 import TemplateError

from relays.base.settings import StartError, Table
from relays.mattermost.templates import Templates
from relays.sources.nextcloud.changes import Kind
from relays.sources.nextcloud.document import TEMPLATES
from relays.sources.nextcloud.options import (
    ANNOUNCED,
    BURST_FROM,
    HIGHEST_BURST_FROM,
    USERNAME,
    Discretion,
    TreeOptions,
)


@dataclass(frozen=True)
class Tree:
    """A tree: the absolute path of its root, how its documents are announced, and where it is in the account's files.

    The latter is empty if it is not there, so that nothing can be asked about it.
    """

    root: str
    options: TreeOptions
    in_files: str


def read_trees(file: Path, settings: Table, channel: str) -> list[Tree]:
    """The trees of the settings, which are told in `channel` if they do not say where. StartError if there is none."""
    trees = [_read_tree(file, table, channel) for table in settings.tables("trees")]
    if not trees:
        raise StartError(f'{file}: there is no tree to be watched: add [[trees]] with tree = "…"')
    roots = [tree.root for tree in trees]
    for root in roots:
        if roots.count(root) > 1 or any(root.startswith(f"{other}/") for other in roots):
            raise StartError(f'{file}: tree = "{root}" is, or lies in, another one: take one of them out')
    return trees


def _read_tree(file: Path, table: Table, channel: str) -> Tree:
    given = table.text("tree")
    root = os.path.normpath(given)
    if not PurePath(root).is_absolute() or root in ("/", "//"):
        raise StartError(f'{file}: tree = "{given}" is not the absolute path of a folder: correct it')
    options = TreeOptions(
        name=PurePath(root).name,
        channel=table.text("channel", channel),
        footer=table.text("footer", "", may_be_empty=True),
        label=table.text("label", may_be_empty=True) if "label" in table else None,
        username=table.text("username", USERNAME),
        announce=frozenset(Kind(kind) for kind in _read_choices(file, table, "announce", ANNOUNCED)),
        discretion=Discretion(table.choice("discretion", tuple(Discretion), Discretion.FULL)),
        folders=_read_folders(file, table),
        categories=table.mapping("categories"),
        icons={extension.lower(): icon for extension, icon in table.mapping("icons").items()},
        templates=_read_templates(file, table),
        burst_from=table.integer("burst_from", BURST_FROM, 0, HIGHEST_BURST_FROM),
    )
    in_files = table.text("in_files", "", may_be_empty=True).rstrip("/")
    table.done()
    return Tree(root, options, in_files)


def _read_choices(file: Path, table: Table, key: str, default: tuple[Kind, ...]) -> tuple[str, ...]:
    chosen = table.texts(key, default)
    for each in chosen:
        if each not in tuple(Kind):
            raise StartError(f"{file}: {key}: there is no {each}; known are {', '.join(Kind)}")
    return chosen


def _read_folders(file: Path, table: Table) -> dict[str, Discretion]:
    folders = table.mapping("folder_discretion")
    for folder, discretion in folders.items():
        if discretion not in tuple(Discretion):
            raise StartError(
                f"{file}: folder_discretion: {folder} = {discretion!r} is not one of {', '.join(Discretion)}"
            )
    return {folder.strip("/"): Discretion(discretion) for folder, discretion in folders.items()}


def _read_templates(file: Path, table: Table) -> Templates:
    sources = table.mapping("wording")
    for name in sources:
        if name not in TEMPLATES:
            raise StartError(f"{file}: wording: there is no {name}; known are {', '.join(TEMPLATES)}")
    try:
        return Templates(sources)
    except TemplateError as error:
        raise StartError(f"{file}: wording is not Jinja2 ({error}): correct it") from None
