"""Plots beside docs/benchmarks.md, as docs/benchmarks/NAME.svg; a name begins with that of the module."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import matplotlib
from matplotlib import pyplot
from matplotlib.axes import Axes

from bench.report import PLOTS

matplotlib.use("svg")
# The same figures make the same file.
matplotlib.rcParams["svg.hashsalt"] = "passerelle"


def lines(
    name: str,
    title: str,
    across: str,
    up: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    logarithmic: bool = False,
) -> None:
    """Points joined to one line for each of the series, from zero up.

    `across` and `up` name the axes with their units; the one across can be `logarithmic`.
    """
    with _plot(name, title, 3.6) as axes:
        for label, points in series.items():
            axes.plot(*zip(*points, strict=True), marker="o", label=label)
        axes.set_xscale("log" if logarithmic else "linear")
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        if len(series) > 1:
            axes.legend()


def bars(name: str, title: str, across: str, values: Mapping[str, float]) -> None:
    """A horizontal bar for each value, the first one on top; `across` names the axis with its unit."""
    with _plot(name, title, 0.9 + 0.4 * len(values)) as axes:
        axes.bar_label(axes.barh(list(values), list(values.values())), fmt="{:,.0f}", padding=3)
        axes.margins(x=0.12)
        axes.invert_yaxis()
        axes.set_xlabel(across)


@contextmanager
def _plot(name: str, title: str, height: float) -> Iterator[Axes]:
    figure, axes = pyplot.subplots(figsize=(7, height), layout="constrained")
    axes.set_title(title)
    yield axes
    PLOTS.mkdir(exist_ok=True)
    figure.savefig(PLOTS / f"{name}.svg", metadata={"Date": None})
    pyplot.close(figure)
