"""Where the deploy lies on this machine, and where it may keep what it gathers."""

import os
import re
from pathlib import Path

PROJECT = Path(__file__).parent.parent
"""The folder of deploy.py, of the relays and of the locks: a checkout, or an installed package."""

# What is installed has none, and may not be written to.
IS_CHECKOUT = (PROJECT / "Makefile").exists()


def cache() -> Path:
    """What is gathered and can be gathered again: `build` in a checkout, else the user's cache."""
    return PROJECT / "build" if IS_CHECKOUT else _user("XDG_CACHE_HOME", ".cache")


def state() -> Path:
    """What an embedded stack has to remember: the user's state; a checkout has a folder of its own."""
    return PROJECT / "lab" / ".state" if IS_CHECKOUT else _user("XDG_STATE_HOME", ".local/state") / "lab"


def as_typed(text: str) -> str:
    """The text with its commands as they are typed: `make deploy`, `passerelle deploy` where it is installed."""
    return (
        text if IS_CHECKOUT else re.sub(r"\bmake (?=deploy\b|rotate\b|drift\b|doctor\b)", "passerelle ", text)
    )


def _user(variable: str, beneath: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / beneath) / "passerelle"
