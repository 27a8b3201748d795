"""The site on disk and its `config/config.php`.

Only scalar settings are read and written: they are the ones the stand-in obeys, and a person may edit the
file by hand as on a real server.
"""

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

VERSION = "32.0.1.2"
VERSION_STRING = "32.0.1"
PRODUCT = "Nextcloud"

Setting = str | bool | int

_LINE = re.compile(r"^\s*'(?P<key>[^']+)'\s*=>\s*(?P<value>'(?:[^'\\]|\\.)*'|true|false|-?\d+)\s*,\s*$", re.M)


@dataclass(frozen=True)
class Instance:
    """One installation: what a container sees as /var/www/html."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def config_file(self) -> Path:
        return self.root / "config" / "config.php"

    @property
    def database(self) -> Path:
        return self.data / "owncloud.db"

    def settings(self) -> dict[str, Setting]:
        """Read config.php; an empty mapping before installation."""
        if not self.config_file.exists():
            return {}
        text = self.config_file.read_text(encoding="utf-8")
        return {found["key"]: _parse(found["value"]) for found in _LINE.finditer(text)}

    def save(self, settings: Mapping[str, Setting]) -> None:
        """Write config.php with mode 0640, as measured on Nextcloud 32.0.1."""
        self.config_file.parent.mkdir(exist_ok=True)
        lines = [f"  '{key}' => {_php(value)},\n" for key, value in settings.items()]
        draft = self.config_file.with_suffix(".tmp")
        draft.touch(mode=0o640)
        draft.write_text("<?php\n$CONFIG = array (\n" + "".join(lines) + ");\n", encoding="utf-8")
        draft.replace(self.config_file)

    @property
    def installed(self) -> bool:
        return self.settings().get("installed") is True

    @property
    def maintenance(self) -> bool:
        return self.settings().get("maintenance") is True

    def status(self) -> dict[str, Setting]:
        """The answer of /status.php and of `occ status`."""
        return {
            "installed": self.installed,
            "maintenance": self.maintenance,
            "needsDbUpgrade": False,
            "version": VERSION,
            "versionstring": VERSION_STRING,
            "edition": "",
            "productname": PRODUCT,
            "extendedSupport": False,
        }

    def close_data_to_others(self) -> None:
        """Take the data folder back to 0770 when others have any right on it.

        Measured on Nextcloud 32.0.1: every web request and every occ call does so.
        """
        if stat.S_IMODE(self.data.stat().st_mode) & stat.S_IRWXO:
            self.data.chmod(0o770)


def _parse(value: str) -> Setting:
    if value in {"true", "false"}:
        return value == "true"
    if value.startswith("'"):
        return re.sub(r"\\(['\\])", r"\1", value[1:-1])
    return int(value)


def _php(value: Setting) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return "'" + re.sub(r"(['\\])", r"\\\1", value) + "'"
