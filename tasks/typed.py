"""pyinfra as it is typed in the folder of deploy.py, where it is to be run."""

import os
import subprocess
import sys
from pathlib import Path

from tasks.places import PROJECT
from tasks.settings import PREFIX


def pyinfra(*options: str, deploy: str = "deploy.py", site: str | None = None) -> list[str]:
    """The command that runs a deploy on all sites, or on the one that is named; for the folder tasks.places.PROJECT."""
    limit = ["--limit", site] if site else []
    return [sys.executable, "-m", "pyinfra", *options, *limit, "inventory.py", deploy]


def dry_run(site: str | None = None, settings: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What a deploy would do: the plan as JSON on its standard output, the differences on the other.

    With the settings of that file; without one, with those of this run.
    """
    named = {f"{PREFIX}SETTINGS": str(settings)} if settings else {}
    return subprocess.run(
        pyinfra("--dry", "--json", site=site),
        cwd=PROJECT,
        env=os.environ | named,
        capture_output=True,
        text=True,
        check=False,
    )
