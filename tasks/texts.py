"""Texts as people write them into settings, within what the applications take."""

import re
from typing import Annotated

from pydantic import AfterValidator

from relays.base.schema import Line, Shown

# Of a file's name on the host, with room for what Nextcloud and the relay put behind it.
_LONGEST_NAME = 240


def _within(most: int) -> AfterValidator:
    def check(value: str) -> str:
        if len(value.encode()) > most:
            raise ValueError(f"must take {most} bytes at most, and letters beyond ASCII take two or more")
        return value

    return AfterValidator(check)


def _folder_name(value: str) -> str:
    if not value or value in (".", "..") or any(c in value for c in '/\\:"%') or not value.isprintable():
        raise ValueError('must be one folder name without / \\ : " %')
    return value


def _service(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]+", value):
        raise ValueError("must be the name of a service in docker-compose.yml")
    return value


def _service_if_any(value: str) -> str:
    return _service(value) if value else value


def _container_folder(value: str) -> str:
    if not value.startswith("/") or {".", ".."} & set(value.split("/")) or not value.isprintable():
        raise ValueError("must be an absolute path in the container, without . and ..")
    return value


# As Mattermost takes them (server/public/model, release 11.6): of webhooks it counts bytes.
WebhookName = Annotated[Shown, _within(64)]
WebhookDescription = Annotated[Line, _within(500)]
FolderName = Annotated[str, AfterValidator(_folder_name), _within(_LONGEST_NAME)]
# Empty where the application is not on the host.
ServiceName = Annotated[str, AfterValidator(_service_if_any)]
ContainerFolder = Annotated[str, AfterValidator(_container_folder)]
