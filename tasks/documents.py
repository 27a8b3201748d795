"""What a site may say of its watched trees: which they are, and how their documents are announced."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from relays.base.schema import Line
from relays.mattermost.settings import ChannelName
from relays.sources.nextcloud.options import Options
from tasks.texts import FolderName
from tasks.wording_samples import try_on_documents


def _check_folders(folders: list[str]) -> list[str]:
    for folder in folders:
        if folders.count(folder) > 1:
            raise ValueError(f"{folder} is given twice: take one of them out")
    return folders


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


class Announced(Options):
    """How the documents of a tree are announced, tried out."""

    _on_samples = field_validator("wording")(try_on_documents)


class Tree(Announced):
    """A further tree. What it leaves open is as for the first one."""

    tree: FolderName = Field(description="the watched folder")
    folders: Folders = Field([], description="folders in it, created if they are missing")
    owner: FolderName | None = Field(None, description="the user whose files hold it; without it, the admin")
    channel: ChannelName | None = Field(
        None, description="of the team; without it, that of `nextcloud_webhook`"
    )
    footer: Line | None = Field(None, description="last line of a message; without it, `relays.footer`")


Trees = Annotated[list[Tree], AfterValidator(check_trees)]
