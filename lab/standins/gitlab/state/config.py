"""What the stand-in is started with."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

VERSION = "19.1.0"
"""The GitLab release whose behaviour is modelled."""


@dataclass(frozen=True)
class Config:
    """Everything that is decided outside of the data folder."""

    data: Path
    """Folder of the database and of the bare repositories."""
    external_url: str
    """GitLab's own address as people and payloads see it, without a trailing slash."""
    settings_cache_seconds: float = 2.0
    """How long hook validation keeps seeing the former application settings (about 60 s in GitLab)."""
    webhook_timeout: float = 10.0
    """Limit for connecting to and for each read from a hook's receiver (`gitlab_rails['webhook_timeout']`)."""

    @property
    def host(self) -> str:
        """Host name of the external URL, used in SSH addresses."""
        return urlsplit(self.external_url).hostname or "localhost"

    @property
    def root(self) -> str:
        """Path of the external URL below which everything is (`relative_url_root`); empty where it has none."""
        return urlsplit(self.external_url).path
