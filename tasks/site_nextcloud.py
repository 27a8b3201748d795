"""What a site may say of its Nextcloud: where it is, and which trees are watched."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from relays.base.addresses import BaseUrl
from relays.sources.nextcloud.config import PollSeconds, Source
from tasks.addresses import Proxy, Token
from tasks.documents import Announced, Folders, Trees
from tasks.texts import ContainerFolder, FolderName, ServiceName


def _source(value: str, info: ValidationInfo) -> str:
    if value == "disk" and info.data.get("service") == "":
        raise ValueError(
            'must be "webdav" where nextcloud.service is "": the host sees no files of one elsewhere'
        )
    if value == "webdav" and info.data.get("relay_password") is None:
        raise ValueError("needs nextcloud.relay_password")
    owners = {tree.owner for tree in info.data.get("trees", [])}
    if value == "webdav" and owners - {None, info.data.get("admin")}:
        raise ValueError("shows the admin's files, so all nextcloud.trees must be in them")
    return value


class Nextcloud(Announced):
    """Where Nextcloud is, and the first of the watched trees."""

    url: BaseUrl = Field(description="address of Nextcloud")
    proxy: Proxy
    service: ServiceName = Field(
        "nextcloud",
        description='the Compose service; `""`: Nextcloud is not on the host, `source` is `webdav`',
    )
    data_directory: ContainerFolder = Field(
        "/var/www/html/data", description="Nextcloud's `datadirectory` in the container"
    )
    admin: FolderName = Field("admin", description="the user whose files hold the tree")
    tree: FolderName = Field(
        description="the watched folder, announced in the channel of `nextcloud_webhook`"
    )
    folders: Folders = Field(description="folders in it, created if they are missing")
    app_password: Token | None = Field(None, description="app password of the admin, for `make check` only")
    trees: Trees = Field([], description="further watched trees")
    relay_password: Token | None = Field(
        None,
        description="app password of the admin for the relay: with it messages say who brought a document, and their "
        "title opens it; the host must reach `url`",
    )
    source: Annotated[Source, AfterValidator(_source)] = Field("disk", validate_default=True)
    poll_seconds: PollSeconds
