"""What a site may say of its watched trees: which they are, and how their documents are told."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from relays.sources.nextcloud import document
from relays.sources.nextcloud.changes import Kind, News
from relays.sources.nextcloud.options import (
    ANNOUNCED,
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
    """How the documents of a tree are told, as relays.sources.nextcloud.options has it."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    label: Annotated[Line, Field(max_length=64)] | None = Field(
        None,
        description="what the documents are, said with the word; without it, RH for the first tree, nothing for others",
    )
    username: Annotated[Shown, Field(max_length=64)] | None = Field(
        None,
        description=f"whom messages are from; without it, {USERNAME}, of further trees {FURTHER_USERNAME}",
    )
    announce: list[Kind] = Field(list(ANNOUNCED), description="what is told")
    discretion: Discretion = Field(Discretion.FULL, description="of the names of documents")
    folder_discretion: dict[FolderPath, Discretion] = Field(
        {}, description="in and below folders of the tree"
    )
    categories: dict[Annotated[str, Field(min_length=1)], Annotated[str, Field(**_SHOWN_AS)]] = Field(
        {}, description="by a part of a folder's name"
    )
    icons: dict[Extension, Annotated[str, Field(**_SHOWN_AS)]] = Field({}, description="by extension")
    wording: Annotated[dict[str, str], AfterValidator(_check_wording)] = Field(
        {}, description="own sentences and titles, Jinja2"
    )
    burst_from: Annotated[Number, Field(ge=0, le=HIGHEST_BURST_FROM)] = Field(
        BURST_FROM, description="so many documents within a short time are told together; 0: never"
    )


class Tree(Options):
    """A further tree. What it leaves open is as for the first one."""

    tree: FolderName
    folders: Folders = []
    owner: FolderName | None = Field(None, description="the user whose files hold it; without it, the admin")
    channel: ChannelName | None = Field(None, description="of the team; without it, that of the webhook")
    footer: Line | None = None


Trees = Annotated[list[Tree], AfterValidator(check_trees)]
