"""What attacks may cost, what they did cost, and the table of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields

# What systemd allows the GitLab relay (MemoryMax of its unit), and what it is to stay below: a quarter is left for what
# the kernel adds.
MEMORY_MAX_MEGABYTES = 512
MOST_MEGABYTES = 384


@dataclass(frozen=True)
class Row:
    """One bound of one attack."""

    attack: str
    bound: str
    measured: str
    held: bool


class Bounds:
    """Takes the rows of a test to `record`; `suffix` says what the attacked relay was like."""

    def __init__(self, record: Callable[[str, object], None], suffix: str = "") -> None:
        self._record = record
        self._suffix = suffix

    def at_most(self, attack: str, what: str, bound: float, measured: float) -> None:
        """A figure that has to be small; entered, then asserted."""
        self._enter(attack, f"{what} ≤ {bound:g}", f"{measured:.3g}", measured <= bound)

    def exactly(self, attack: str, what: str, bound: object, measured: object) -> None:
        """Something that has to be so; entered, then asserted."""
        self._enter(attack, f"{what}: {bound}", f"{measured}", measured == bound)

    def _enter(self, attack: str, bound: str, measured: str, held: bool) -> None:
        row = Row(f"{attack}{self._suffix}", bound, measured, held)
        # As a property of the report, which comes through from other processes too.
        self._record("bound", astuple(row))
        assert held, row


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The rows as lines of text, with a verdict each."""
    names = [each.name for each in fields(Row)]
    cells = [
        names,
        *((row.attack, row.bound, row.measured, "yes" if row.held else "NO") for row in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
