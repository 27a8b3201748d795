"""Custom emoji of Mattermost, over its API v4; read in its source, which is alike in 5.37 and 11.6."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tasks.operations.api import Api, ApiError
from tasks.operations.resource import Commands, ResourceError, change, resource

DISABLED = "api.emoji.disabled.app_error"


@resource
def emoji(api: Api, name: str, image: Path) -> Commands:
    """Have a custom emoji called `name`, made of the image if there is none; a new image needs a new name."""
    found = find_emojis(api, name)
    if found is None:
        lines = [f"~ custom emoji {name}: switched off -> in use"]
    else:
        lines = [] if name in _names(found) else [f"+ custom emoji {name}"]
    yield from change(lines, lambda: _make(api, name, image))


@resource
def no_emojis(api: Api, prefix: str, but: Collection[str] = ()) -> Commands:
    """Have no custom emoji whose name begins with `prefix`, except those in `but`.

    While all of them are switched off none is shown to anybody, nor can it be found here.
    """
    found = [each for each in find_emojis(api, prefix) or [] if each["name"] not in but]

    def remove() -> None:
        for each in found:
            api.call("DELETE", f"/api/v4/emoji/{each['id']}", absent=("404",))

    yield from change([f"- custom emoji {each['name']}" for each in found], remove)


def find_emojis(api: Api, prefix: str) -> list[dict[str, Any]] | None:
    """The custom emoji whose names begin with `prefix`; None while custom emoji are switched off."""
    wanted = {"term": prefix, "prefix_only": True}
    found = api.call("POST", "/api/v4/emoji/search", wanted, absent=(DISABLED,))
    return None if found is None else [each for each in found if each["name"].startswith(prefix)]


def _names(found: list[dict[str, Any]] | None) -> list[str]:
    return [each["name"] for each in found or []]


def _make(api: Api, name: str, image: Path) -> None:
    wanted = {"name": name, "creator_id": api.call("GET", "/api/v4/users/me")["id"]}
    parts = {"emoji": (None, json.dumps(wanted)), "image": (image.name, image.read_bytes())}
    with api.turn:
        if name in _names(find_emojis(api, name)):
            return  # it was there while they were switched off, or another site was quicker
        try:
            api.call("POST", "/api/v4/emoji", files=parts)
        except ApiError as error:
            raise ResourceError(f"{str(error).rstrip('.')}; the image is {image}") from None
