"""What became of each spool, as rows of a table at the end of the tests."""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields


@dataclass(frozen=True)
class Row:
    """One upgrade: what the spool held, what was accepted meanwhile, and what became of all of it."""

    upgrade: str
    waiting: int
    claimed: int
    unprocessed: int
    parked: int
    done: int
    accepted: int
    lost: int
    doubled: int
    disordered: int

    @property
    def holds(self) -> bool:
        """Whether nothing is lost, announced twice, or out of order."""
        return not (self.lost or self.doubled or self.disordered)


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """The rows as lines of text, with a verdict each."""
    cells = [[each.name for each in fields(Row)], *([str(value) for value in astuple(row)] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line, row in zip(cells, [None, *rows], strict=True):
        first, *others = (
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  ".join((first, *others, "" if row is None else "ok" if row.holds else "FAILED")).rstrip()
