"""The keys of servers that are trusted as the deploy trusts them, for a browser that knows no file of ours."""

import base64
import hashlib
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import socks
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from relays.base.tls import context

_SECONDS = 20


def trusted_keys(urls: Iterable[str], proxy: str | None, ca: Path | None) -> Iterator[str]:
    """A hash of the public key, as browsers write it, of each server at https:// whose certificate is in order.

    `proxy` is an address such as socks5h://127.0.0.1:1080; for `ca` see relays.base.tls.
    """
    for url in urls:
        if url.startswith("https://"):
            # The browser says what is wrong with the others, where somebody sees it.
            with suppress(OSError, socks.ProxyError):
                yield _key(url, proxy, ca)


def _key(url: str, proxy: str | None, ca: Path | None) -> str:
    parts = urlsplit(url)
    name = parts.hostname or ""
    with (
        _connect((name, parts.port or 443), proxy) as connection,
        context(ca).wrap_socket(connection, server_hostname=name) as server,
    ):
        certificate = x509.load_der_x509_certificate(server.getpeercert(binary_form=True) or b"")
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


def _connect(target: tuple[str, int], proxy: str | None) -> socket.socket:
    if proxy is None:
        return socket.create_connection(target, _SECONDS)
    at = urlsplit(proxy)
    connection: socket.socket = socks.create_connection(
        target, _SECONDS, proxy_type=socks.SOCKS5, proxy_addr=at.hostname, proxy_port=at.port, proxy_rdns=True
    )
    return connection
