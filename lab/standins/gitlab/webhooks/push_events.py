"""From changed refs to events, however they were changed."""

from lab.standins.gitlab.payloads.webhooks import push as payload
from lab.standins.gitlab.payloads.webhooks.push import BLANK
from lab.standins.gitlab.state.git import Repository
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Commit, Project, User
from lab.standins.gitlab.webhooks import dispatcher, merge_request_events
from lab.standins.gitlab.webhooks.triggers import PUSH, TAG_PUSH

_SHOWN_COMMITS = 20


def announce(
    instance: Instance, project: Project, actor: User, before: dict[str, str], after: dict[str, str]
) -> None:
    """Fire the hooks for the difference between two states of the refs.

    More than `push_event_hooks_limit` branches (or tags) created, updated or removed at once fire nothing for
    that group, as in `Git::ProcessRefChangesService`; merge requests learn of their branches all the same.
    """
    groups: dict[tuple[bool, str], list[str]] = {}
    for ref in sorted(before.keys() | after.keys()):
        if before.get(ref) != after.get(ref):
            action = "created" if ref not in before else "removed" if ref not in after else "pushed"
            groups.setdefault((ref.startswith("refs/tags/"), action), []).append(ref)
    limit = instance.settings.effective()["push_event_hooks_limit"]
    for refs in groups.values():
        for ref in refs:
            old, new = before.get(ref, BLANK), after.get(ref, BLANK)
            if len(refs) <= limit:
                _fire(instance, project, actor, ref, old, new)
            if ref.startswith("refs/heads/"):
                merge_request_events.branch_pushed(
                    instance, project, actor, ref.removeprefix("refs/heads/"), old, new
                )


def _fire(instance: Instance, project: Project, actor: User, ref: str, old: str, new: str) -> None:
    repository = instance.repository(project)
    tag = ref.startswith("refs/tags/")
    commits, total = (
        _tag_commits(repository, new) if tag else _branch_commits(repository, project, ref, old, new)
    )
    body = payload.build(
        project,
        actor,
        ref=ref,
        before=old,
        after=new,
        checkout_sha=None if new == BLANK else repository.resolve(new),
        message=repository.tag_message(new) if tag and new != BLANK else None,
        commits=commits,
        total=total,
    )
    branch = None if tag else ref.removeprefix("refs/heads/")
    dispatcher.fire(instance, project, TAG_PUSH if tag else PUSH, body, branch=branch)


def _tag_commits(repository: Repository, new: str) -> tuple[list[Commit], int]:
    if new == BLANK:
        return [], 0
    commits = repository.log(new, limit=1)
    return commits, len(commits)


def _branch_commits(
    repository: Repository, project: Project, ref: str, old: str, new: str
) -> tuple[list[Commit], int]:
    if new == BLANK:
        return [], 0
    default = f"refs/heads/{project.default_branch}"
    if old != BLANK:
        revisions = [new, f"^{old}"]
    elif ref == default or repository.resolve(default) is None:
        revisions = [new]
    else:
        # A new branch shows what the default branch does not have yet.
        revisions = [new, f"^{default}"]
    newest = repository.log(*revisions, limit=_SHOWN_COMMITS)
    return newest[::-1], repository.count(*revisions)
