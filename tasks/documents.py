"""What a site may say of its watched trees: which they are, and how their documents are told."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from relays.sources.nextcloud import document
from relays.sources.nextcloud.changes import Kind, News
from relays.sources.nextcloud.options import (
    BURST_FROM,
    FURTHER_USERNAME,
    HIGHEST_BURST_FROM,
    USERNAME,
    Discretion,
    TreeOptions,
)
from relays.wording import CATALOGUES
from tasks.telling import ChannelName
from tasks.texts import FolderName, Line, Number, Shown

_SHOWN_AS = {"min_length": 1, "max_length": 64}


def _folder_path(value: str) -> str:
    if not all(value.split("/")) or {".", ".."} & set(value.split("/")):
        raise ValueError("must be the path of a folder in the tree, such as Contrats/2025")
    return value


def _check_folders(folders: list[str]) -> list[str]:
    for folder in folders:
        if folders.count(folder) > 1:
            raise ValueError(f"{folder} is given twice: take one of them out")
    return folders


def _check_wording(wording: dict[str, str]) -> dict[str, str]:
    told = TreeOptions(name="Documents_RH", channel="", footer="")
    # With an uploader and a link, which a site may have or not.
    samples = [
        News(kind, "Contrats/2025/contrat.pdf", 2048, datetime(2025, 12, 1, 12), who="Camille Morel")
        for kind in Kind
    ]
    for name, reason in document.faults(wording, told, CATALOGUES["fr"], samples):
        raise ValueError(f"the template {name} cannot be used: {reason}")
    return wording


def check_trees(trees: "list[Tree]", info: ValidationInfo) -> "list[Tree]":
    """ValueError for the first of the further trees that is given twice."""
    admin = info.data.get("admin")
    known = {(admin, info.data.get("tree"))}
    for tree in trees:
        place = (tree.owner or admin, tree.tree)
        if place in known:
            raise ValueError(f"{tree.tree} of {place[0]} is given twice: take one of them out")
        known.add(place)
    return trees


Folders = Annotated[list[FolderName], AfterValidator(_check_folders)]
FolderPath = Annotated[str, AfterValidator(_folder_path)]
Extension = Annotated[str, Field(pattern=r"^[a-z0-9]{1,16}$")]


class Options(BaseModel):
    """How the documents of a tree are announced."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    label: Annotated[Line, Field(max_length=64)] | None = Field(
        None,
        description='what the documents are, said with the word ("Nouveau document RH déposé"); without it, RH for the '
        "first tree, nothing for others",
    )
    username: Annotated[Shown, Field(max_length=64)] | None = Field(
        None,
        description=f"whom messages are from; without it, {USERNAME}, of further trees {FURTHER_USERNAME}",
    )
    announce: list[Kind] | None = Field(
        None,
        description="which changes are announced: `new` and `moved_in` documents, another `version` (other content) "
        "and `deleted` ones; without it, the first two, and where a bot posts also `version`, in the document's thread",
    )
    discretion: Discretion = Field(
        Discretion.FULL,
        description="how much is shown of names, which can be personal data: `full`, `masked` (first letter and "
        "extension) or `count` (only how many documents, in which folder)",
    )
    folder_discretion: dict[FolderPath, Discretion] = Field(
        {},
        description='the same for single folders of the tree and what is below them: `Fiches_Paie = "count"`',
    )
    categories: dict[Annotated[str, Field(min_length=1)], Annotated[str, Field(**_SHOWN_AS)]] = Field(
        {}, description="what is shown for a part of a folder's name; before the built-in ones"
    )
    icons: dict[Extension, Annotated[str, Field(**_SHOWN_AS)]] = Field(
        {}, description="what is shown for an extension; before the built-in ones"
    )
    wording: Annotated[dict[str, str], AfterValidator(_check_wording)] = Field(
        {},
        description="own sentences, titles and headings of bursts, Jinja2 templates: `new`, `new.title`, "
        "`new.heading`, `moved_in`…",
    )
    burst_from: Annotated[Number, Field(ge=0, le=HIGHEST_BURST_FROM)] = Field(
        BURST_FROM,
        description="so many documents within ten seconds are announced together, by folder; `0`: never",
    )


class Tree(Options):
    """A further tree. What it leaves open is as for the first one."""

    tree: FolderName = Field(description="the watched folder")
    folders: Folders = Field([], description="folders in it, created if they are missing")
    owner: FolderName | None = Field(None, description="the user whose files hold it; without it, the admin")
    channel: ChannelName | None = Field(
        None, description="of the team; without it, that of `nextcloud_webhook`"
    )
    footer: Line | None = Field(None, description="last line of a message; without it, `relays.footer`")


Trees = Annotated[list[Tree], AfterValidator(check_trees)]
