"""A running server: its database, its configuration, its release."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.standins.mattermost.state.config import Config
from lab.standins.mattermost.state.pending import PendingPosts
from lab.standins.mattermost.state.release import Release
from lab.standins.mattermost.state.store import Store


@dataclass(frozen=True)
class Instance:
    """What every part works with: the database, the configuration, the release, what is known in memory alone."""

    store: Store
    config: Config
    release: Release
    pending: PendingPosts = field(default_factory=PendingPosts)
