"""Where the deploy lies: in the checkout beside this package or, once installed, under `project/` in it."""

import os
import sys
from pathlib import Path

import click

_HERE = Path(__file__).parent
_BUNDLED = _HERE / "project"
ROOT = _BUNDLED if _BUNDLED.is_dir() else _HERE.parent
"""The folder of deploy.py and inventory.py."""

VARIABLE = "PASSERELLE_SETTINGS"
_FILE = "passerelle.toml"


def enter() -> None:
    """Work in the folder of the deploy, whose modules are found before any of the same name elsewhere."""
    os.chdir(ROOT)
    if str(ROOT) not in sys.path[:1]:
        sys.path.insert(0, str(ROOT))


def home() -> Path:
    """The settings file that holds wherever a command is typed: beside deploy.py in a checkout, else the user's own."""
    return ROOT / _FILE if ROOT is not _BUNDLED else Path(click.get_app_dir("passerelle")) / _FILE


def choose_settings(named: Path | None) -> Path:
    """The settings file of this run, which every part of it finds from now on; it need not exist.

    It is the one that is `named`, else that of PASSERELLE_SETTINGS, else passerelle.toml here, else that of `home`.
    """
    given = named or os.environ.get(VARIABLE)
    here = Path(_FILE)
    path = Path(given) if given else here if here.exists() else home()
    if given or path.exists():
        os.environ[VARIABLE] = str(path.absolute())
    return path.absolute()


def is_described(settings: Path) -> bool:
    """Whether anything says what the site is: a settings file, or variables."""
    return settings.exists() or any(
        name.startswith("PASSERELLE_") and name != VARIABLE for name in os.environ
    )
