"""Start the stand-in: `python -m lab.standins.nextcloud --port 80 --root /var/www/html`."""

import argparse
import os
import sys
from pathlib import Path

import uvicorn

from lab.standins.nextcloud.server.app import create_app
from lab.standins.nextcloud.state import users
from lab.standins.nextcloud.state.install import install
from lab.standins.nextcloud.state.instance import Instance


def main() -> int:
    """Install at the first start, then serve. 1 when the installation is refused."""
    parser = argparse.ArgumentParser(prog="nextcloud-standin", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="0 lets the system choose")
    parser.add_argument("--root", type=Path, required=True, help="what a container has at /var/www/html")
    arguments = parser.parse_args()
    os.umask(0o022)  # Nextcloud's localstorage.umask
    instance = Instance(arguments.root.resolve())
    admin, password = os.environ.get("NEXTCLOUD_ADMIN_USER"), os.environ.get("NEXTCLOUD_ADMIN_PASSWORD")
    if not instance.installed and admin and password:
        try:
            install(instance, admin, password)
        except users.LoginRefused as error:
            print(error, file=sys.stderr)
            return 1
    # A stop waits for running uploads briefly, then cuts them: a container's own grace period is ten seconds.
    uvicorn.run(create_app(instance), host=arguments.host, port=arguments.port, timeout_graceful_shutdown=3)
    return 0


sys.exit(main())
