"""Start the stand-in: ``python -m lab.standins.mattermost --port 8065 --data DIR``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import uvicorn

from lab.standins.mattermost.server.app import create_app
from lab.standins.mattermost.state.config import Config
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.release import RELEASES
from lab.standins.mattermost.state.store import Store


def main() -> None:
    """Serve until asked to stop. The access log stays off: request paths hold hook ids, which are secrets."""
    parser = argparse.ArgumentParser(prog="lab.standins.mattermost", description="A stand-in for Mattermost.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="where the state is kept")
    parser.add_argument("--site-url", metavar="URL", help="ServiceSettings.SiteURL")
    parser.add_argument("--version", choices=RELEASES, default="11.6", help="the release to behave as")
    options = parser.parse_args()
    release = RELEASES[options.version]
    store = Store(options.data)
    instance = Instance(store, Config(store, release, os.environ, options.site_url), release)
    # The client of a request is the connection's: whether to trust a proxy's header is RateLimit's affair.
    uvicorn.run(
        create_app(instance), host=options.host, port=options.port, access_log=False, proxy_headers=False
    )


if __name__ == "__main__":
    main()
