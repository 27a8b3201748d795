"""Project webhooks: `/projects/:id/hooks` (GitLab 19.1)."""

import base64
import binascii
from typing import Any

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api import projects
from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.payloads import hook as payload
from lab.standins.gitlab.state import clock
from lab.standins.gitlab.state.errors import ApiError, not_found
from lab.standins.gitlab.state.models import Hook
from lab.standins.gitlab.webhooks.allowlist import UnknownHost, UrlBlocked, authorize
from lab.standins.gitlab.webhooks.delivery import SIGNING_TOKEN_PREFIX

FLAGS: dict[str, bool | None] = {
    "push_events": True,
    "tag_push_events": False,
    "merge_requests_events": False,
    "issues_events": False,
    "confidential_issues_events": False,
    "note_events": False,
    "confidential_note_events": None,
    "pipeline_events": False,
    "wiki_page_events": False,
    "deployment_events": False,
    "feature_flag_events": False,
    "job_events": False,
    "releases_events": False,
    "milestone_events": False,
    "emoji_events": False,
    "resource_access_token_events": False,
    "resource_deploy_token_events": False,
    "vulnerability_events": False,
    "enable_ssl_verification": True,
}
TEXTS: dict[str, str | None] = {
    "name": None,
    "description": None,
    "push_events_branch_filter": None,
    "branch_filter_strategy": "wildcard",
}
_STRATEGIES = ("wildcard", "regex", "all_branches")


def index(call: Call) -> Response:
    """`GET /projects/:id/hooks`; like GitLab, without custom headers and URL variables."""
    project = projects.find(call)
    rows = call.instance.store.all("SELECT * FROM hooks WHERE project_id = ? ORDER BY id", project.id)
    shown = [payload.to_json(call.instance, Hook.of(row)) for row in rows]
    return call.page(
        [{k: v for k, v in hook.items() if k not in {"custom_headers", "url_variables"}} for hook in shown]
    )


def show(call: Call) -> Response:
    """`GET /projects/:id/hooks/:hook_id`."""
    return JSONResponse(payload.to_json(call.instance, find(call)))


def create(call: Call) -> Response:
    """`POST /projects/:id/hooks`. The same URL may be added any number of times."""
    project = projects.find(call)
    url = call.required("url")
    attributes = {**FLAGS, **TEXTS, **_given(call)}
    _validate(call, url)
    hook_id = call.instance.store.insert(
        "hooks",
        project_id=project.id,
        url=url,
        token=call.text("token") or None,
        signing_token=call.text("signing_token") or None,
        custom_headers=_custom_headers(call),
        attributes=attributes,
        created_at=clock.now(),
    )
    return JSONResponse(payload.to_json(call.instance, _load(call, project.id, hook_id)), 201)


def update(call: Call) -> Response:
    """`PUT /projects/:id/hooks/:hook_id`.

    A new URL without a token in the same call clears the secrets (GitLab 15.6.1, gitlab-org/gitlab issue 382260),
    so that nobody can have an unknown secret sent to an address of their choice.
    """
    hook = find(call)
    known = {*FLAGS, *TEXTS, "url", "token", "signing_token", "custom_headers"}
    if not known & call.params.keys():
        raise ApiError(400, error="No parameters provided")
    url = call.text("url") or hook.url
    _validate(call, url)
    moved = url != hook.url
    secrets = {name: None if moved else getattr(hook, name) for name in ("token", "signing_token")}
    secrets |= {name: call.text(name) or None for name in secrets if name in call.params}
    call.instance.store.update(
        "hooks",
        hook.id,
        url=url,
        custom_headers={**({} if moved else hook.custom_headers), **_custom_headers(call)},
        attributes={**hook.attributes, **_given(call)},
        **secrets,
    )
    return JSONResponse(payload.to_json(call.instance, _load(call, hook.project_id, hook.id)))


def delete(call: Call) -> Response:
    """`DELETE /projects/:id/hooks/:hook_id`; events still waiting for it are dropped."""
    call.instance.store.run("DELETE FROM hooks WHERE id = ?", find(call).id)
    return Response(status_code=204)


def find(call: Call) -> Hook:
    """The hook that the path names. Raises 404."""
    return _load(call, projects.find(call).id, call.number("hook_id"))


def _load(call: Call, project_id: int, hook_id: int) -> Hook:
    row = call.instance.store.first(
        "SELECT * FROM hooks WHERE project_id = ? AND id = ?", project_id, hook_id
    )
    if row is None:
        raise not_found()
    return Hook.of(row)


def _given(call: Call) -> dict[str, Any]:
    flags = {name: call.flag(name) for name in FLAGS if name in call.params}
    texts = {name: call.text(name) for name in TEXTS if name in call.params}
    if texts.get("branch_filter_strategy", "wildcard") not in _STRATEGIES:
        raise ApiError(400, error="branch_filter_strategy does not have a valid value")
    return {**flags, **texts}


def _validate(call: Call, url: str) -> None:
    try:
        authorize(url, call.instance.settings.effective(), call.instance.config.external_url)
    except UnknownHost:
        pass
    except UrlBlocked:
        # The reason is not given: the API answers every bad URL with the same four words.
        raise ApiError(422, error="Invalid url given") from None
    if "\n" in (call.text("token") or ""):
        raise ApiError(422, error="Token can not contain line breaks")
    signing_token = call.text("signing_token")
    if signing_token and not _well_formed(signing_token):
        raise ApiError(422, error="Signing token must be whsec_ followed by a Base64-encoded 32-byte key")


def _well_formed(signing_token: str) -> bool:
    try:
        key = base64.b64decode(signing_token.removeprefix(SIGNING_TOKEN_PREFIX), validate=True)
    except binascii.Error:
        return False
    return signing_token.startswith(SIGNING_TOKEN_PREFIX) and len(key) == 32


def _custom_headers(call: Call) -> dict[str, str]:
    headers = call.params.get("custom_headers") or []
    try:
        return {str(header["key"]): str(header["value"]) for header in headers}
    except (TypeError, KeyError):
        raise ApiError(400, error="custom_headers is invalid") from None
