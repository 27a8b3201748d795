"""Hooks of GitLab groups over its API v4; they are of the editions Premium and Ultimate, and of a group's owners."""

from collections.abc import Callable, Collection

from tasks.operations.api import Api, ApiError
from tasks.operations.gitlab import group_at
from tasks.operations.hooks import Hook, Listed, plan, removal
from tasks.operations.resource import Commands, ResourceError, change, note, resource


def find_group_hooks(api: Api, path: str) -> Listed | None:
    """The hooks of a group; None if the edition knows none, the token is no owner's, or there is no such group."""
    try:
        found: Listed = api.pages(f"{group_at(path)}/hooks")
    except ApiError as error:
        if error.status in (401, 403, 404):
            return None
        raise
    return found


@resource
def group_hook(api: Api, path: str, hook: Hook) -> Commands:
    """Have the group have the hook, for all of its projects and those of its subgroups, as `project_hook` has one."""
    listed = find_group_hooks(api, path)
    if listed is None:
        raise ResourceError(f"gitlab: the group {path} has no hooks that gitlab.token may see; run again")
    at = group_at(path)
    wanted = plan(api, at, f"group {path}", listed, hook)
    note(wanted.notes)
    yield from change(wanted.lines, wanted.save)


@resource
def no_group_hook(
    api: Api, path: str, name: str, addresses: Collection[str], fingerprint: Callable[[], str | None]
) -> Commands:
    """Have no hook called `name` in the group that leads to one of `addresses` (ADDRESS:PORT) or has our secrets.

    Without the group, or where hooks of groups are no longer to be had, there is none.
    """
    at = group_at(path)
    wanted = removal(
        api, at, f"group {path}", find_group_hooks(api, path) or [], name, addresses, fingerprint
    )
    note(wanted.notes)
    yield from change(wanted.lines, wanted.save)
