"""What is seen and left as it is, named where no operation is that would see it."""

from collections.abc import Iterable

from tasks.operations.resource import Commands, note, resource


@resource
def left_alone(lines: Iterable[str]) -> Commands:
    """Print these lines, and change nothing."""
    note([*lines])
    yield from ()
