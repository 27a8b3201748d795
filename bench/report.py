"""docs/benchmarks.md: a section for each module of bench/, each replaced on its own."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

REPORT = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PLOTS = REPORT.with_suffix("")
_HEAD = "# Benchmarks\n\nWhat `make bench` measured; it writes this page, `make bench ONLY=name` one section of it.\n"

Row = tuple[str, str, str]


class Section(Protocol):
    """A module of bench/ that measures something; `python -m bench` says what is what."""

    TITLE: str
    INTRODUCTION: str
    PACKAGES: Sequence[str]

    def measure(self, home: Path) -> Iterator[Row]:
        """The rows of its table."""


def write(section: str, titles: Sequence[str]) -> None:
    """Put a section in the place of the one with the same heading; `titles` are those that stay, in their order."""
    text = REPORT.read_text(encoding="utf-8") if REPORT.exists() else _HEAD
    sections = {_title(old): old.strip() for old in re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]}
    sections[_title(section)] = section.strip()
    kept = [sections[title] for title in titles if title in sections]
    REPORT.write_text("\n\n".join([_HEAD.strip(), *kept]) + "\n", encoding="utf-8")


def _title(section: str) -> str:
    return section.partition("\n")[0].removeprefix("## ").strip()


def wrapped(paragraph: str) -> str:
    """A paragraph in lines of the width that the documents keep to."""
    return textwrap.fill(paragraph, 120, break_long_words=False, break_on_hyphens=False)


def plots_of(name: str) -> list[str]:
    """The plots of a module as lines of its section."""
    return [
        line
        for plot in sorted(PLOTS.glob(f"{name}-*.svg"))
        for line in ("", f"![{plot.stem.replace('-', ' ')}]({PLOTS.name}/{plot.name})")
    ]


def forget_plots(name: str) -> None:
    """Remove the plots of an earlier run of a module."""
    for plot in PLOTS.glob(f"{name}-*.svg"):
        plot.unlink()
