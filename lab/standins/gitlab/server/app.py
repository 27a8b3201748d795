"""The table of contents: every address of the stand-in and what answers there."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from lab.standins.gitlab.api import (
    features,
    git_http,
    hook_deliveries,
    hooks,
    issues,
    members,
    merge_requests,
    milestones,
    namespaces,
    notes,
    pipelines,
    projects,
    repository,
    reviews,
    settings,
    tokens,
    users,
    version,
)
from lab.standins.gitlab.api.endpoint import Handler, endpoint
from lab.standins.gitlab.pages import views
from lab.standins.gitlab.server.encoded_slashes import KeepEncodedSlashes
from lab.standins.gitlab.server.relative_url_root import BelowRoot
from lab.standins.gitlab.state.instance import Instance

_PROJECT = "/projects/{id}"
_HOOK = f"{_PROJECT}/hooks/{{hook_id}}"
_ISSUE = f"{_PROJECT}/issues/{{iid}}"
_MERGE_REQUEST = f"{_PROJECT}/merge_requests/{{iid}}"
_REPOSITORY = f"{_PROJECT}/repository"

API: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/version", version.version),
    ("GET", "/metadata", version.metadata),
    ("GET", "/user", users.current),
    ("GET", "/users", users.index),
    ("GET", "/personal_access_tokens/self", tokens.current),
    ("GET", "/personal_access_tokens/{token_id}", tokens.get),
    ("DELETE", "/personal_access_tokens/{token_id}", tokens.revoke),
    ("POST", "/users/{user_id}/personal_access_tokens", tokens.create),
    ("GET", "/application/settings", settings.show),
    ("PUT", "/application/settings", settings.update),
    ("POST", "/features/{name}", features.set_feature),
    ("GET", "/namespaces", namespaces.index),
    ("GET", "/namespaces/{id}", namespaces.show),
    ("GET", "/groups", namespaces.groups),
    ("POST", "/groups", namespaces.create_group),
    ("GET", "/groups/{id}", namespaces.group),
    ("PUT", "/groups/{id}", namespaces.update_group),
    ("GET", "/groups/{id}/projects", projects.of_group),
    ("GET", "/groups/{id}/members/all", members.of_group),
    ("GET", f"{_PROJECT}/members/all", members.of_project),
    ("GET", "/users/{id}/projects", projects.of_user),
    ("POST", "/projects", projects.create),
    ("PUT", _PROJECT, projects.update),
    ("DELETE", _PROJECT, projects.delete),
    ("GET", f"{_PROJECT}/members/all/{{user_id}}", projects.member),
    ("PUT", f"{_PROJECT}/transfer", projects.transfer),
    ("POST", f"{_PROJECT}/share", projects.share),
    ("POST", f"{_PROJECT}/archive", projects.archive),
    ("POST", f"{_PROJECT}/unarchive", projects.unarchive),
    ("POST", f"{_REPOSITORY}/branches", repository.create_branch),
    ("DELETE", f"{_REPOSITORY}/branches/{{branch}}", repository.delete_branch),
    ("POST", f"{_REPOSITORY}/commits", repository.create_commit),
    ("POST", f"{_PROJECT}/access_tokens", tokens.create_for_project),
    ("GET", f"{_PROJECT}/hooks", hooks.index),
    ("POST", f"{_PROJECT}/hooks", hooks.create),
    ("GET", _HOOK, hooks.show),
    ("PUT", _HOOK, hooks.update),
    ("DELETE", _HOOK, hooks.delete),
    ("POST", f"{_HOOK}/test/{{trigger}}", hook_deliveries.test),
    ("GET", f"{_HOOK}/events", hook_deliveries.events),
    ("POST", f"{_HOOK}/events/{{event_id}}/resend", hook_deliveries.resend),
    ("POST", f"{_PROJECT}/issues", issues.create),
    ("PUT", _ISSUE, issues.update),
    ("POST", f"{_ISSUE}/notes", notes.comment_issue),
    ("POST", f"{_PROJECT}/merge_requests", merge_requests.create),
    ("PUT", _MERGE_REQUEST, merge_requests.update),
    ("PUT", f"{_MERGE_REQUEST}/merge", merge_requests.merge),
    ("POST", f"{_MERGE_REQUEST}/notes", notes.comment_merge_request),
    ("POST", f"{_MERGE_REQUEST}/approve", reviews.approve),
    ("GET", f"{_MERGE_REQUEST}/approvals", reviews.approvals),
    ("POST", f"{_PROJECT}/milestones", milestones.create),
    ("POST", f"{_PROJECT}/statuses/{{sha}}", pipelines.report),
    ("POST", f"{_PROJECT}/pipelines/{{pipeline_id}}/retry", pipelines.retry),
)
"""What needs a token."""

PUBLIC_API: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/projects", projects.index),
    ("GET", _PROJECT, projects.show),
    ("GET", f"{_REPOSITORY}/branches", repository.branches),
    ("GET", f"{_REPOSITORY}/branches/{{branch}}", repository.branch),
    ("GET", f"{_REPOSITORY}/commits", repository.commits),
    ("GET", f"{_REPOSITORY}/files/{{path}}", repository.file),
    ("GET", f"{_REPOSITORY}/files/{{path}}/raw", repository.raw_file),
    ("GET", f"{_PROJECT}/issues", issues.index),
    ("GET", _ISSUE, issues.show),
    ("GET", f"{_ISSUE}/notes", notes.issue_notes),
    ("GET", f"{_PROJECT}/merge_requests", merge_requests.index),
    ("GET", _MERGE_REQUEST, merge_requests.show),
    ("GET", f"{_MERGE_REQUEST}/notes", notes.merge_request_notes),
    ("GET", f"{_MERGE_REQUEST}/reviewers", reviews.reviewers),
    ("GET", f"{_PROJECT}/milestones", milestones.index),
    ("GET", f"{_PROJECT}/pipelines", pipelines.index),
    ("GET", f"{_PROJECT}/pipelines/{{pipeline_id}}", pipelines.show),
)
"""What anybody may read of public projects."""


def create_app(instance: Instance) -> ASGIApp:
    """The application over an instance."""

    def api(table: tuple[tuple[str, str, Handler], ...], *, public: bool) -> list[Route]:
        return [
            Route(f"/api/v4{path}", endpoint(instance, handler, public=public), methods=[method])
            for method, path, handler in table
        ]

    routes = [
        Route("/-/health", _health),
        Route("/-/readiness", _readiness),
        Route("/-/liveness", _liveness),
        *api(API, public=False),
        *api(PUBLIC_API, public=True),
        Route("/api/{rest:path}", _unknown, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
        Route("/{project:path}.git/info/refs", git_http.advertise(instance)),
        *(
            Route(f"/{{project:path}}.git/{service}", git_http.serve(instance, service), methods=["POST"])
            for service in ("git-upload-pack", "git-receive-pack")
        ),
        *views.routes(instance),
    ]
    return KeepEncodedSlashes(BelowRoot(Starlette(routes=routes), instance.config.root))


async def _health(request: Request) -> Response:
    return PlainTextResponse("GitLab OK")


async def _readiness(request: Request) -> Response:
    return JSONResponse({"status": "ok", "master_check": [{"status": "ok"}]})


async def _liveness(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _unknown(request: Request) -> Response:
    return JSONResponse({"error": "404 Not Found"}, 404)
