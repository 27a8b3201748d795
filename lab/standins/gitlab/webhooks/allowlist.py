"""Which addresses GitLab lets its webhooks reach.

Models `Gitlab::HTTP_V2::UrlBlocker` (GitLab 18.4 to 19.1): the local network is closed to project hooks unless an
entry of the outbound allow-list names the host or its address.
"""

import ipaddress
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_SHARED_ADDRESS_SPACE = ipaddress.ip_network("100.64.0.0/10")
_LIMITED_BROADCAST = ipaddress.ip_address("255.255.255.255")
_PRIVATE_NETWORKS = [
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")
]


class UrlBlocked(Exception):
    """The URL may not be requested; the message is GitLab's."""


class UnknownHost(UrlBlocked):
    """The name does not resolve. GitLab accepts such a hook and fails at delivery."""


@dataclass(frozen=True)
class Destination:
    """Where to connect: the address is the one that was judged, so that a name cannot change in between."""

    scheme: str
    host: str
    port: int
    address: str


def authorize(url: str, settings: dict[str, Any], own_url: str) -> Destination:
    """Decide on a hook's URL. Raises UrlBlocked with the reason."""
    scheme, host, port = _parts(url)
    allowlist = settings["outbound_local_requests_whitelist"]
    addresses = _resolve(host, port)
    destination = Destination(scheme, host, port, str(addresses[0]))
    if (scheme, host, port) == _parts(own_url) or _name_allowed(host, port, allowlist):
        return destination
    if all(_address_allowed(address, port, allowlist) for address in addresses):
        return destination
    if settings["deny_all_requests_except_allowed"]:
        raise UrlBlocked("Requests to hosts and IP addresses not on the Allow List are denied")
    if not settings["allow_local_requests_from_web_hooks_and_services"]:
        for address in addresses:
            _reject_local(address)
    return destination


def _parts(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise UrlBlocked("URI is invalid") from None
    if parts.scheme not in {"http", "https"}:
        raise UrlBlocked("Only allowed schemes are http, https")
    if not parts.hostname or any(character.isspace() for character in url):
        raise UrlBlocked("URI is invalid")
    return parts.scheme, parts.hostname, port


def _resolve(host: str, port: int) -> list[Address]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnknownHost("Host cannot be resolved or invalid") from None
    return [_plain(ipaddress.ip_address(str(answer[4][0]).partition("%")[0])) for answer in answers]


def _plain(address: Address) -> Address:
    """An IPv4 address that is written as IPv6 is judged as what it is."""
    return (isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped) or address


def _split_entry(entry: str) -> tuple[str, int | None]:
    if entry.startswith("["):
        host, _, port = entry[1:].partition("]")
        port = port.removeprefix(":")
    elif entry.count(":") == 1:
        host, _, port = entry.partition(":")
    else:
        host, port = entry, ""
    return host, int(port) if port.isdigit() else None


def _name_allowed(host: str, port: int, allowlist: list[str]) -> bool:
    return any(name == host and wanted in {None, port} for name, wanted in map(_split_entry, allowlist))


def _address_allowed(address: Address, port: int, allowlist: list[str]) -> bool:
    for network, wanted in map(_split_entry, allowlist):
        try:
            inside = address in ipaddress.ip_network(network, strict=False)
        except ValueError:
            continue
        if inside and wanted in {None, port}:
            return True
    return False


def _reject_local(address: Address) -> None:
    if address == _LIMITED_BROADCAST:
        raise UrlBlocked("Requests to the limited broadcast address are not allowed")
    if address.is_unspecified or _own(address):
        raise UrlBlocked("Requests to localhost are not allowed")
    if address.is_loopback:
        raise UrlBlocked("Requests to loopback addresses are not allowed")
    if any(address in network for network in _PRIVATE_NETWORKS):
        raise UrlBlocked("Requests to the local network are not allowed")
    if address.is_link_local:
        raise UrlBlocked("Requests to the link local network are not allowed")
    if address in _SHARED_ADDRESS_SPACE:
        raise UrlBlocked("Requests to the shared address space are not allowed")


def _own(address: Address) -> bool:
    """Whether the address belongs to this machine: only then can a socket be bound to it."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True
