"""Reviewers and approvals of a merge request, as in the free edition."""

from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api import merge_requests, projects
from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.payloads import user
from lab.standins.gitlab.state import reviews
from lab.standins.gitlab.state.errors import ApiError
from lab.standins.gitlab.state.models import MergeRequest


def reviewers(call: Call) -> Response:
    """`GET /projects/:id/merge_requests/:iid/reviewers`; nobody reviews here but by approving."""
    found = merge_requests.find(call, projects.find(call))
    approved = {row["user_id"] for row in reviews.approvals(call.instance, found.id)}
    return call.page(
        [
            {
                "user": person,
                "state": "approved" if person["id"] in approved else "unreviewed",
                "created_at": row["created_at"],
            }
            for row in reviews.requests(call.instance, found.id)
            for person in _people(call, row["user_id"])
        ]
    )


def approvals(call: Call) -> Response:
    """`GET /projects/:id/merge_requests/:iid/approvals`."""
    return JSONResponse(_approvals(call, merge_requests.find(call, projects.find(call))))


def approve(call: Call) -> Response:
    """`POST /projects/:id/merge_requests/:iid/approve`. Raises 401 for the second time, as GitLab does."""
    found = merge_requests.find(call, projects.find(call))
    if not reviews.approve(call.instance, found.id, call.user.id):
        raise ApiError(401, message="401 Unauthorized")
    return JSONResponse(_approvals(call, found), 201)


def _approvals(call: Call, merge_request: MergeRequest) -> dict[str, Any]:
    rows = reviews.approvals(call.instance, merge_request.id)
    mine = call.current_user is not None and any(row["user_id"] == call.current_user.id for row in rows)
    return {
        "user_has_approved": mine,
        "user_can_approve": call.current_user is not None and not mine,
        "approved": bool(rows),
        "approved_by": [
            {"user": person, "approved_at": row["created_at"]}
            for row in rows
            for person in _people(call, row["user_id"])
        ],
    }


def _people(call: Call, user_id: int) -> list[dict[str, Any]]:
    web_root = call.instance.config.external_url
    return [user.brief(person, web_root) for person in call.instance.users.existing([user_id])]
