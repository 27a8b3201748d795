"""What a figure depends on besides the code."""

import os
import platform
import re
import sqlite3
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path


def describe(packages: Sequence[str]) -> str:
    """The day, the machine without its name, what else it is busy with now, and versions."""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    versions = [f"Linux {platform.release().partition('-')[0]}", f"Python {platform.python_version()}"]
    versions += [f"SQLite {sqlite3.sqlite_version}", *(f"{name} {version(name)}" for name in packages)]
    return (
        f"{date.today():%Y-%m-%d}, {model[1] if model else platform.machine()}, {os.cpu_count()} cores,"
        f" {gigabytes:.0f} GB of memory, load average {os.getloadavg()[0]:.2f} at the start;"
        f" {', '.join(versions)}."
    )
