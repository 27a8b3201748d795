"""Who was asked to review a merge request, since when, and who has approved it."""

import sqlite3

from lab.standins.gitlab.state import clock
from lab.standins.gitlab.state.instance import Instance


def request(instance: Instance, merge_request_id: int, user_ids: list[int]) -> None:
    """These are asked, and nobody else any more; whoever was already goes on being so."""
    kept = [row["user_id"] for row in requests(instance, merge_request_id)]
    for user_id in kept:
        if user_id not in user_ids:
            instance.store.run(
                "DELETE FROM review_requests WHERE merge_request_id = ? AND user_id = ?",
                *(merge_request_id, user_id),
            )
    for user_id in user_ids:
        if user_id not in kept:
            instance.store.insert(
                "review_requests",
                merge_request_id=merge_request_id,
                user_id=user_id,
                created_at=clock.now(),
            )


def requests(instance: Instance, merge_request_id: int) -> list[sqlite3.Row]:
    """`user_id` and `created_at` of those who are asked, in order."""
    return instance.store.all(
        "SELECT * FROM review_requests WHERE merge_request_id = ? ORDER BY created_at, user_id",
        merge_request_id,
    )


def approve(instance: Instance, merge_request_id: int, user_id: int) -> bool:
    """Somebody approves; False if they have already."""
    if any(row["user_id"] == user_id for row in approvals(instance, merge_request_id)):
        return False
    instance.store.insert(
        "approvals", merge_request_id=merge_request_id, user_id=user_id, created_at=clock.now()
    )
    return True


def approvals(instance: Instance, merge_request_id: int) -> list[sqlite3.Row]:
    """`user_id` and `created_at` of those who have approved, in order."""
    return instance.store.all(
        "SELECT * FROM approvals WHERE merge_request_id = ? ORDER BY id", merge_request_id
    )
