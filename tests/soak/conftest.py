"""What the faults are tried with, for a long time."""

from tests.faults.conftest import (
    clock,
    gitlab_with,
    ledger,
    listener,
    nextcloud_at,
    one_by_one,
    pytest_configure,
    pytest_terminal_summary,
    sink,
    tree,
)

__all__ = [
    "clock",
    "gitlab_with",
    "ledger",
    "listener",
    "nextcloud_at",
    "one_by_one",
    "pytest_configure",
    "pytest_terminal_summary",
    "sink",
    "tree",
]
