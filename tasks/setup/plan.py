"""What a deploy would do with settings that are not in use yet, in lines for people."""

from pathlib import Path

from tasks.drift import DIFFERENCE, reasons
from tasks.operations.resource import ResourceError
from tasks.typed import dry_run


def plan(settings: Path) -> list[str]:
    """A line for each thing that a deploy would make, change or remove; ResourceError for why it would not."""
    done = dry_run(settings=settings)
    if done.returncode:
        raise ResourceError(reasons(done.stderr).replace(str(settings), "the settings"))
    found = (DIFFERENCE.fullmatch(line.rstrip()) for line in done.stderr.splitlines())
    return list(dict.fromkeys(f"{each['sign']} {each['text']}" for each in found if each))
