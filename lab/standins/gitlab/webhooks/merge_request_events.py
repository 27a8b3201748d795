"""Merge requests as events see them: reading them, following their branches, firing their hooks."""

from typing import Any

from lab.standins.gitlab.payloads.webhooks import common
from lab.standins.gitlab.payloads.webhooks import merge_request as payload
from lab.standins.gitlab.payloads.webhooks.changes import compare
from lab.standins.gitlab.payloads.webhooks.push import BLANK
from lab.standins.gitlab.state import clock, issuables, merge_requests
from lab.standins.gitlab.state.clock import hook_time
from lab.standins.gitlab.state.git import GitError, Repository
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import MergeRequest, Project, User
from lab.standins.gitlab.webhooks import dispatcher
from lab.standins.gitlab.webhooks.triggers import MERGE_REQUEST


def context(
    instance: Instance, project: Project, merge_request: MergeRequest, *, status: str
) -> payload.Context:
    """What the payload of a merge request needs besides the merge request."""
    commits = instance.repository(project).log(merge_request.source_sha, limit=1)
    return payload.Context(
        project,
        issuables.labels(instance, project, merge_request.labels),
        instance.users.existing(merge_request.assignee_ids),
        instance.users.existing(merge_request.reviewer_ids),
        commits[0] if commits else None,
        status,
    )


def fire(
    instance: Instance,
    project: Project,
    actor: User,
    merge_request: MergeRequest,
    action: str,
    changes: dict[str, Any],
    *,
    oldrev: str | None = None,
) -> None:
    """Announce one action to the hooks."""
    # Mergeability is worked out after the fact, so an open merge request is always being checked.
    status = "checking" if merge_request.state != "merged" else "can_be_merged"
    body = payload.build(
        actor, merge_request, context(instance, project, merge_request, status=status),
        action=action, changes=changes, oldrev=oldrev,
    )  # fmt: skip
    dispatcher.fire(instance, project, MERGE_REQUEST, body)


def change(
    instance: Instance,
    project: Project,
    actor: User,
    merge_request: MergeRequest,
    action: str,
    values: dict[str, Any],
) -> MergeRequest:
    """Store new values and announce to the hooks what they changed."""
    instance.store.update(
        "merge_requests", merge_request.id, **values, updated_at=clock.now(), updated_by_id=actor.id
    )
    after = merge_requests.by_id(instance, merge_request.id)
    changes = compare(instance, project, merge_request, after)
    fire(instance, project, actor, after, action, changes)
    return after


def mark_merged(
    instance: Instance, project: Project, actor: User, merge_request: MergeRequest, merge_commit: str | None
) -> MergeRequest:
    """Record that it was merged and announce it to the hooks; `merge_commit` is None when somebody pushed the merge."""
    at = clock.now()
    instance.store.update(
        "merge_requests", merge_request.id, state="merged", merged_at=at, updated_at=at, merge_user_id=actor.id,
        merge_commit_sha=merge_commit,
    )  # fmt: skip
    after = merge_requests.by_id(instance, merge_request.id)
    changes = {
        # GitLab locks a merge request (state 4) while it merges.
        "state_id": common.change(4, 3),
        "updated_at": common.change(hook_time(merge_request.updated_at), hook_time(at)),
    }
    fire(instance, project, actor, after, "merge", changes)
    return after


def branch_pushed(instance: Instance, project: Project, actor: User, branch: str, old: str, new: str) -> None:
    """What a push to a branch means for open merge requests.

    New commits on the source make an `update` with `oldrev`; a source that is gone closes; a target that now holds
    the source's head was merged by hand.
    """
    for merge_request in merge_requests.opened(instance, project, column="source_branch", branch=branch):
        if new == BLANK:
            change(
                instance,
                project,
                actor,
                merge_request,
                "close",
                {"state": "closed", "closed_at": clock.now()},
            )
        elif old != BLANK:
            at = clock.now()
            instance.store.update("merge_requests", merge_request.id, source_sha=new, updated_at=at)
            changes = {"updated_at": common.change(hook_time(merge_request.updated_at), hook_time(at))}
            fire(
                instance,
                project,
                actor,
                merge_requests.by_id(instance, merge_request.id),
                "update",
                changes,
                oldrev=old,
            )
    if BLANK in (old, new):
        return
    repository = instance.repository(project)
    for merge_request in merge_requests.opened(instance, project, column="target_branch", branch=branch):
        head = merge_request.source_sha
        if _contains(repository, new, head) and not _contains(repository, old, head):
            mark_merged(instance, project, actor, merge_request, None)


def _contains(repository: Repository, tip: str, commit: str) -> bool:
    try:
        repository.run("merge-base", "--is-ancestor", commit, tip)
    except GitError:
        return False
    return True
