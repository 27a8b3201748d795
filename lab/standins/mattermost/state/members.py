"""Who is in a channel, and what each member has not read yet."""

from __future__ import annotations

from lab.standins.mattermost.state.store import Row, Store


def find(store: Store, channel_id: str, user_id: str) -> Row | None:
    """How an account belongs to a channel, if it does."""
    return store.one(
        "SELECT * FROM channel_members WHERE channel_id = ? AND user_id = ?", channel_id, user_id
    )


def insert(store: Store, channel_id: str, user_id: str, *, admin: bool = False) -> None:
    """Make an account a member who has read nothing yet."""
    member = {"channel_id": channel_id, "user_id": user_id, "scheme_admin": admin}
    store.insert("channel_members", member | {"last_update_at": store.now()})


def mark_read(store: Store, channel_id: str, user_id: str) -> None:
    """Set a member's counters as if the whole channel had just been looked at."""
    store.execute(
        "UPDATE channel_members SET mention_count = 0, last_viewed_at = ?, "
        "msg_count = (SELECT total_msg_count FROM channels WHERE id = channel_id) "
        "WHERE channel_id = ? AND user_id = ?",
        store.now(),
        channel_id,
        user_id,
    )
