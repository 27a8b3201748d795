"""The way to other servers: directly, or by the proxy that the settings name; never as the environment has it.

A relay's environment is systemd's, where a variable that somebody has set for other programs would lead secrets astray.
"""

from pathlib import Path

import requests

from relays.base.tls import TlsAdapter


def open_session(
    ca: Path | None, proxy: str | None = None, adapter: TlsAdapter | None = None
) -> requests.Session:
    """A session that goes by `proxy`, an http:// address, and trusts the certificates of `ca` beside known ones.

    `adapter` makes the connections, of http:// too, in the place of the usual one.
    """
    session = requests.Session()
    session.trust_env = False
    if proxy:
        session.proxies = {"http": proxy, "https": proxy}
    session.mount("https://", adapter or TlsAdapter(ca))
    if adapter:
        session.mount("http://", adapter)
    return session
