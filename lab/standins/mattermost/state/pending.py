"""The ids that clients give to posts while they wait for the answer: a post that is sent again is made once.

Known for 30 seconds, in memory alone, and by the id alone, whatever the channel (measured on 5.37, read in 11.6).
"""

from __future__ import annotations

import time

_SECONDS = 30.0
_MOST = 25_000


class PendingPosts:
    """The posts of the last seconds by the ids that their clients gave them."""

    def __init__(self) -> None:
        self._posts: dict[str, tuple[str, float]] = {}

    def post_of(self, pending_id: str) -> str:
        """The id of the post that came of it, empty if none is known."""
        post_id, at = self._posts.get(pending_id, ("", 0.0))
        return post_id if time.monotonic() - at < _SECONDS else ""

    def remember(self, pending_id: str, post_id: str) -> None:
        """A post came of it."""
        if pending_id:
            self._posts.pop(pending_id, None)
            self._posts[pending_id] = post_id, time.monotonic()
            while len(self._posts) > _MOST:
                del self._posts[next(iter(self._posts))]
