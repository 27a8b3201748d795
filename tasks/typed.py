"""pyinfra as it is typed in the folder of deploy.py, where it is to be run."""

import sys


def pyinfra(*options: str, deploy: str = "deploy.py", site: str | None = None) -> list[str]:
    """The command that runs a deploy on all sites, or on the one that is named; for the folder tasks.places.PROJECT."""
    limit = ["--limit", site] if site else []
    return [sys.executable, "-m", "pyinfra", *options, *limit, "inventory.py", deploy]
