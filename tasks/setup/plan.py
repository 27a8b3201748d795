"""What a deploy would do with settings that are not in use yet, in lines for people."""

import os
import subprocess
from pathlib import Path

from tasks.drift import DIFFERENCE, reasons
from tasks.operations.resource import ResourceError
from tasks.places import PROJECT
from tasks.settings import PREFIX
from tasks.typed import pyinfra


def plan(settings: Path) -> list[str]:
    """A line for each thing that a deploy would make, change or remove; ResourceError for why it would not."""
    done = subprocess.run(
        pyinfra("--dry", "--json"),
        cwd=PROJECT,
        env={**os.environ, f"{PREFIX}SETTINGS": str(settings)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ResourceError(reasons(done.stderr).replace(str(settings), "the settings"))
    found = (DIFFERENCE.fullmatch(line.rstrip()) for line in done.stderr.splitlines())
    return list(dict.fromkeys(f"{each['sign']} {each['text']}" for each in found if each))
