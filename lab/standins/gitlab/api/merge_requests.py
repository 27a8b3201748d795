"""Merge requests: `/projects/:id/merge_requests`."""

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api import issuable_parameters, pipelines, projects
from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.payloads import merge_request as payload
from lab.standins.gitlab.payloads.webhooks import common
from lab.standins.gitlab.state import clock, issuables, merge_requests, reviews
from lab.standins.gitlab.state.clock import hook_time
from lab.standins.gitlab.state.errors import ApiError, not_found
from lab.standins.gitlab.state.git import GitError
from lab.standins.gitlab.state.models import MergeRequest, Project
from lab.standins.gitlab.webhooks import merge_request_events, push_events


def index(call: Call) -> Response:
    """`GET /projects/:id/merge_requests`."""
    project = projects.find(call)
    rows = issuable_parameters.search(call, "merge_requests", project)
    found = [
        each for each in map(MergeRequest.of, rows) if issuable_parameters.is_of_those_asked_for(call, each)
    ]
    return call.page([payload.to_json(call.instance, project, each) for each in found])


def show(call: Call) -> Response:
    """`GET /projects/:id/merge_requests/:iid`."""
    project = projects.find(call)
    found = find(call, project)
    pipeline = pipelines.newest(call, project, found.source_sha)
    return JSONResponse({**payload.to_json(call.instance, project, found), "head_pipeline": pipeline})


def create(call: Call) -> Response:
    """`POST /projects/:id/merge_requests`. Raises 409 when the source branch already has an open one."""
    project = projects.find(call)
    source, target, title = (
        call.required("source_branch"),
        call.required("target_branch"),
        call.required("title"),
    )
    branches = call.instance.repository(project).branches()
    for name, branch in (("source_branch", source), ("target_branch", target)):
        if branch not in branches:
            raise ApiError(400, message={name: ["does not exist"]})
    if source == target:
        raise ApiError(422, message=["You can't use same project/branch for source and target"])
    for other in merge_requests.opened(call.instance, project, column="source_branch", branch=source):
        if other.target_branch == target:
            text = f"Another open merge request already exists for this source branch: !{other.iid}"
            raise ApiError(409, message=[text])
    store, at = call.instance.store, clock.now()
    reviewers = call.instance.users.existing((call.ids("reviewer_ids") or [])[:1])
    with store.transaction():
        new_id = store.insert(
            "merge_requests", iid=issuables.next_iid(call.instance, "merge_requests", project), project_id=project.id,
            title=title, description=call.text("description"), state="opened", source_branch=source,
            target_branch=target, source_sha=branches[source],
            remove_source_branch=bool(call.flag("remove_source_branch")), author_id=call.user.id,
            assignee_ids=issuable_parameters.assignees(call) or [], reviewer_ids=[person.id for person in reviewers],
            labels=call.names("labels") or [], created_at=at, updated_at=at,
        )  # fmt: skip
        reviews.request(call.instance, new_id, [person.id for person in reviewers])
    merge_request = merge_requests.by_id(call.instance, new_id)
    changes = {
        "merge_status": common.change("preparing", "checking"),
        "updated_at": common.change(hook_time(at), hook_time(at)),
        "prepared_at": common.change(None, hook_time(at)),
    }
    merge_request_events.fire(call.instance, project, call.user, merge_request, "open", changes)
    return JSONResponse(payload.to_json(call.instance, project, merge_request), 201)


def update(call: Call) -> Response:
    """`PUT /projects/:id/merge_requests/:iid`; attributes make an `update`, `state_event` a `close` or `reopen`."""
    project = projects.find(call)
    merge_request = find(call, project)
    edits = issuable_parameters.edits(call, merge_request)
    target = call.text("target_branch")
    if target and target != merge_request.target_branch:
        edits["target_branch"] = target
    reviewers = call.ids("reviewer_ids")
    if reviewers is not None and reviewers[:1] != merge_request.reviewer_ids:
        edits["reviewer_ids"] = [person.id for person in call.instance.users.existing(reviewers[:1])]
        reviews.request(call.instance, merge_request.id, edits["reviewer_ids"])
    if edits:
        merge_request = merge_request_events.change(
            call.instance, project, call.user, merge_request, "update", edits
        )
    event = issuable_parameters.state_event(call, merge_request)
    if event:
        state = issuable_parameters.STATE_EVENTS[event][1]
        closed_at = clock.now() if state == "closed" else None
        merge_request = merge_request_events.change(
            call.instance, project, call.user, merge_request, event, {"state": state, "closed_at": closed_at}
        )
    return JSONResponse(payload.to_json(call.instance, project, merge_request))


def merge(call: Call) -> Response:
    """`PUT /projects/:id/merge_requests/:iid/merge`: a merge commit on the target branch.

    Fires a push event for the target and the action `merge`. Raises 405 for one that is not open or a draft, 409
    when `sha` is not the head of the source branch, 422 on conflict.
    """
    project = projects.find(call)
    repository = call.instance.repository(project)
    with repository.lock:
        merge_request = find(call, project)
        if merge_request.state != "opened" or merge_request.draft:
            raise ApiError(405, message="405 Method Not Allowed")
        head = repository.branches().get(merge_request.source_branch)
        if head is None:
            raise ApiError(422, message="Branch cannot be merged")
        if call.text("sha") not in {None, head}:
            raise ApiError(409, message=f"SHA does not match HEAD of source branch: {head}")
        before = repository.refs()
        default_message = (
            f"Merge branch '{merge_request.source_branch}' into '{merge_request.target_branch}'\n\n"
            f"{merge_request.title}\n\nSee merge request {project.full_path}!{merge_request.iid}"
        )
        message = call.text("merge_commit_message") or default_message
        try:
            commit = repository.merge(merge_request.target_branch, head, message, call.user)
        except GitError:
            raise ApiError(422, message="Branch cannot be merged") from None
        merged = merge_request_events.mark_merged(call.instance, project, call.user, merge_request, commit)
        wanted = call.flag("should_remove_source_branch")
        if merge_request.remove_source_branch if wanted is None else wanted:
            repository.run("update-ref", "-d", f"refs/heads/{merge_request.source_branch}")
        push_events.announce(call.instance, project, call.user, before, repository.refs())
    return JSONResponse(payload.to_json(call.instance, project, merged))


def find(call: Call, project: Project) -> MergeRequest:
    """The merge request that the path names. Raises 404."""
    row = call.instance.store.first(
        "SELECT * FROM merge_requests WHERE project_id = ? AND iid = ?", project.id, call.number("iid")
    )
    if row is None:
        raise not_found()
    return MergeRequest.of(row)
