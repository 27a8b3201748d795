"""What nextcloud.toml says. Settings that a site writes as well are types, which the deploy uses too (tasks.site)."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from relays.base.addresses import BaseUrl
from relays.base.schema import Number, Section
from relays.delivery.settings import RelaySettings
from relays.mattermost.settings import ChannelName
from relays.sources.nextcloud.changes import Kind
from relays.sources.nextcloud.cloud import AccountSettings
from relays.sources.nextcloud.options import ANNOUNCED, TreeOptions


def _check_source(source: str, info: ValidationInfo) -> str:
    if source == "webdav" and info.data.get("nextcloud") is None:
        raise ValueError("needs an account: add [nextcloud] with url and user")
    return source


def _check_trees(trees: tuple[TreeOptions, ...]) -> tuple[TreeOptions, ...]:
    if not trees:
        raise ValueError('there is no tree to be watched: add [[trees]] with tree = "…"')
    roots = [tree.tree for tree in trees]
    for root in roots:
        if roots.count(root) > 1 or any(root.startswith(f"{other}/") for other in roots):
            raise ValueError(f'tree = "{root}" is, or lies in, another one: take one of them out')
    return trees


Source = Annotated[
    Literal["disk", "webdav"],
    Field(
        default="disk",
        description="where the relay sees the trees: `disk`, or, where nothing of them reaches the host's disk, "
        "`webdav`, which needs `relay_password`",
    ),
]
PollSeconds = Annotated[
    Number, Field(15, ge=1, le=3600, description="how often `webdav` is asked whether anything has changed")
]


class ButtonSettings(Section):
    """How people say that they take a document; the tokens of the slash commands, which sign that, are a credential."""

    url: BaseUrl = Field(description="address at which Mattermost reaches the GitLab relay to say so")
    socket: Path = Field(description="where the GitLab relay hands it over")


class NextcloudSettings(RelaySettings):
    """The file of the Nextcloud relay."""

    channel: ChannelName = Field(default="rh-alerts", description="that the incoming webhook was made for")
    nextcloud: AccountSettings | None = Field(
        default=None, description="where it is asked who brought a document"
    )
    source: Annotated[Source, AfterValidator(_check_source)]
    poll_seconds: PollSeconds
    buttons: ButtonSettings | None = Field(
        default=None, description="a button under documents, where a bot posts; without it, posts have none"
    )
    trees: Annotated[tuple[TreeOptions, ...], AfterValidator(_check_trees)] = Field(
        default=(), validate_default=True, description="what is watched"
    )

    @property
    def watched(self) -> list[TreeOptions]:
        """The trees, each with its channel and what is announced of it."""
        # In a thread, versions keep nobody from reading the channel.
        announced = ANNOUNCED if self.bot is None else (*ANNOUNCED, Kind.VERSION)
        return [
            tree.model_copy(
                update={
                    "channel": tree.channel or self.channel,
                    "announce": announced if tree.announce is None else tree.announce,
                }
            )
            for tree in self.trees
        ]
