"""The internal addresses that Mattermost goes to for a slash command or a button: a setting of one line of text.

It refuses every reserved address and its own (measured on 5.37), unless the setting lists the host, or the network that
it is in. The setting is everybody's, so entries are added to it and taken out of it, one by one.
"""

import ipaddress
import re

from tasks.operations.api import Api
from tasks.operations.mattermost import patch_settings, refuse_overridden
from tasks.operations.resource import Commands, change, resource

_KEY = "AllowedUntrustedInternalConnections"
_WHAT = f"ServiceSettings.{_KEY}"


@resource
def allowed_connection(api: Api, address: str) -> Commands:
    """Let Mattermost go to `address`, a host's name or address; the other entries stay."""
    if is_allowed(api, address):
        return
    found = _entries(api)
    lines = [f"+ {_WHAT} entry {address}"]
    _refuse_overridden(api, [*found, address], lines)
    yield from change(lines, lambda: _put(api, address, there=True))


@resource
def no_allowed_connection(api: Api, address: str) -> Commands:
    """Have no entry `address` in the list; the other entries stay, also one of a network that it is in."""
    found = _entries(api)
    if address in found:
        lines = [f"- {_WHAT} entry {address}"]
        _refuse_overridden(api, [each for each in found if each != address], lines)
        yield from change(lines, lambda: _put(api, address, there=False))


def is_allowed(api: Api, address: str) -> bool:
    """Whether Mattermost may go to a host already."""
    return any(covers(entry, address) for entry in _entries(api))


def _entries(api: Api) -> list[str]:
    text = str(api.call("GET", "/api/v4/config")["ServiceSettings"].get(_KEY) or "")
    return [entry for entry in re.split(r"[\s,]+", text) if entry]


def covers(entry: str, address: str) -> bool:
    """Whether an entry of the list lets Mattermost go to a host."""
    if entry == address:
        return True
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(entry, strict=False)
    except ValueError:  # one of both is a name
        return False


def _refuse_overridden(api: Api, wanted: list[str], lines: list[str]) -> None:
    shown = [f"~ {_WHAT}: {line[2:]}" for line in lines]
    refuse_overridden(api, {"ServiceSettings": {_KEY: " ".join(wanted)}}, shown)


def _put(api: Api, address: str, *, there: bool) -> None:
    with api.turn:  # another site of this server may have been quicker
        others = [each for each in _entries(api) if each != address]
        wanted = [*others, address] if there else others
        patch_settings(api, {"ServiceSettings": {_KEY: " ".join(wanted)}})
