"""What became of all that was sent while something failed, counted, and the table of it."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, fields

from tests.faults.traffic import Traffic
from tests.relays.process import wait_for


@dataclass(frozen=True)
class Row:
    """The counts of one fault. `allowed` is how many doubles it has to answer for; `disordered` may not apply."""

    fault: str
    sent: int
    accepted: int
    arrived: int
    lost: int
    doubled: int
    allowed: int
    disordered: int | None

    @property
    def holds(self) -> bool:
        """Whether nothing is lost or out of order, and no more reported twice than the fault answers for."""
        return not self.lost and self.doubled <= self.allowed and not self.disordered


class Ledger:
    """The rows of a session."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def settle(self, fault: str, traffic: Traffic, *, allowed: int = 0, seconds: float = 90.0) -> None:
        """Wait until all that was accepted has arrived, or for so long; enter the counts, which must hold."""
        with suppress(AssertionError):
            wait_for(lambda: not traffic.missing(), seconds)
        row = Row(
            fault,
            traffic.sent,
            traffic.accepted,
            traffic.arrived,
            len(traffic.missing()),
            traffic.doubled(),
            allowed,
            traffic.disordered(),
        )
        self.rows.append(row)
        # A fault that met no traffic proves nothing.
        assert row.accepted >= 50, row
        assert row.holds, (row, sorted(traffic.missing())[:10])


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The rows as lines of text, with a verdict each."""
    names = [each.name for each in fields(Row)]
    cells = [names, *([_shown(value) for value in astuple(row)] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line, row in zip(cells, [None, *rows], strict=True):
        first, *others = (
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  ".join((first, *others, "" if row is None else "ok" if row.holds else "FAILED")).rstrip()


def _shown(value: object) -> str:
    return "-" if value is None else str(value)


def seed() -> int:
    """The seed of PASSERELLE_SEED, or a new one, printed when a test fails."""
    chosen = int(os.environ.get("PASSERELLE_SEED") or int.from_bytes(os.urandom(4)))
    print(f"PASSERELLE_SEED={chosen}")
    return chosen
