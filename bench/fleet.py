"""What many sites in one run cost, measured on the lab's hosts."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from lab import fleet, state

TITLE = "Many sites in one run"
PACKAGES = ("pyinfra",)
INTRODUCTION = (
    "Further hosts of the lab, each with its own systemd, SSH, relays, project, tree and webhooks, on the machine that "
    "runs the deploy as well; they share the lab's applications. A no-op compares all of it and changes nothing."
)
ROOT = Path(__file__).parents[1]
ROUNDS = 3
SITES = 10
MANY = 50


def run(limit: str, *, changes: bool = False) -> float:
    """The seconds that a deploy of the sites like `limit` takes; RuntimeError if it fails or changes too much."""
    pyinfra = str(Path(sys.executable).with_name("pyinfra"))
    began = time.monotonic()
    done = subprocess.run(
        [pyinfra, "-y", "--json", "--limit", limit, "inventory.py", "deploy.py"],
        cwd=ROOT,
        env={**os.environ, "PASSERELLE_SETTINGS": str(state.FLEET_SETTINGS)},
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.monotonic() - began
    if done.returncode:
        raise RuntimeError(done.stderr)
    if json.loads(done.stdout)["results"]["totals"]["success"] and not changes:
        raise RuntimeError(f"a run that should have changed nothing did: {done.stderr}")
    return took


def compared(count: int) -> tuple[float, float]:
    """The medians of a no-op of one site and of `count`, taken in turns."""
    one, all_ = zip(*[(run("site-1"), run("site-*")) for _ in range(ROUNDS)], strict=True)
    return statistics.median(one), statistics.median(all_)


def measure(home: Path) -> Iterator[tuple[str, str, str]]:
    """All measurements, as rows of the table: what, the figure, the bar; of fifty sites only where this is all."""
    counts = [SITES, MANY] if os.environ.get("ONLY") == "fleet" else [SITES]
    try:
        for count in counts:
            fleet.up(count)
            first = run("site-*", changes=True)
            yield f"first run of {count} sites", f"{first:.0f} s", ""
            one, all_ = compared(count)
            yield (
                f"no-op of {count} sites by that of one",
                f"{all_ / one:.1f} times ({all_:.1f} s by {one:.1f} s)",
                "at most 6 times" if count == SITES else "",
            )
    finally:
        fleet.down()
