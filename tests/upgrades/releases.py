"""Releases to come: the present one with a migration more."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from relays.sources.gitlab.tables import GITLAB
from tests.relays.process import PROJECT

NEXT = GITLAB.version + 1
EARLIER = range(1, NEXT)

COLUMN = "ALTER TABLE received ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey';"
NO_COLUMN = "ALTER TABLE received DROP COLUMN colour;"
# What the present release's statements rest on is gone with it, and comes back.
RENAMED = "ALTER TABLE received RENAME TO inbox;"
RENAMED_BACK = "ALTER TABLE inbox RENAME TO received;"


def next_release(
    folder: Path, up: str, down: str | None = None, breaks: Sequence[int] = (), uses: str = "received"
) -> Path:
    """A copy of the package with one migration more of GitLab's tables, whose code knows `received` as `uses`."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PROJECT / "relays", folder / "relays", ignore=shutil.ignore_patterns("__pycache__"))
    add_migration(folder, up, down, breaks, uses)
    return folder


def add_migration(
    checkout: Path, up: str, down: str | None = None, breaks: Sequence[int] = (), uses: str = "received"
) -> None:
    """Make a checkout a release to come."""
    tables = checkout / "relays" / "sources" / "gitlab" / "tables.py"
    tables.write_text(
        f"""{tables.read_text()}
from dataclasses import replace

GITLAB = replace(
    GITLAB,
    migrations=(*GITLAB.migrations, Migration({NEXT}, up={up!r}, down={down!r}, breaks={breaks!r})),
    waiting=({uses!r},),
)
AFTER_RESCUE = AFTER_RESCUE.replace("FROM received", "FROM {uses}")
"""
    )
    code = checkout / "relays" / "sources" / "gitlab" / "inbox.py"
    statements = (
        code.read_text().replace("FROM received", f"FROM {uses}").replace("INTO received", f"INTO {uses}")
    )
    code.write_text(statements)
