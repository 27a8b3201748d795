"""python -m bench [NAME...]: measure on this machine, into docs/benchmarks.md; without a name everything.

What is measured is a module of this package with

    TITLE           the heading of its section
    INTRODUCTION    what is measured and how, a paragraph
    PACKAGES        the Python packages whose versions matter
    measure(home)   yields rows of its table: what, the figure, the bar (empty if there is none);
                    `home` is an empty directory that is removed afterwards

Its plots (bench.plots) are shown below its table. The sections of other modules stay as they are.
"""

import importlib
import sys
import tempfile
from pathlib import Path

from bench import conditions, report
from bench.report import Section
from lab.progress import LabError


def modules() -> dict[str, Section]:
    """What can be measured, by name."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    found = {name: importlib.import_module(f"bench.{name}") for name in names}
    return {name: module for name, module in found.items() if hasattr(module, "measure")}


def main(wanted: list[str]) -> str | None:
    """Measure and write; an error as one line."""
    known = modules()
    if unknown := sorted(set(wanted) - set(known)):
        return f"ONLY={','.join(wanted)}: {unknown[0]} is not measured here; known: {', '.join(known)}"
    for name in wanted or known:
        report.forget_plots(name)
        lines = [f"## {known[name].TITLE}", "", report.wrapped(known[name].INTRODUCTION), ""]
        lines += [
            report.wrapped(conditions.describe(known[name].PACKAGES)),
            "",
            "| what | measured | bar |",
            "| --- | --- | --- |",
        ]
        print("\n".join(lines), flush=True)
        with tempfile.TemporaryDirectory(prefix="passerelle-bench-") as home:
            for row in known[name].measure(Path(home)):
                lines.append(f"| {' | '.join(row)} |")
                print(lines[-1], flush=True)
        report.write("\n".join(lines + report.plots_of(name)), [module.TITLE for module in known.values()])
    return None


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LabError as error:
        sys.exit(str(error))
