"""Hooks of GitLab projects over its API v4."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from tasks.operations.api import Api, ApiError
from tasks.operations.gitlab import administers, find_project, is_at, project_at, require_project
from tasks.operations.hooks import Hook, Listed, plan, removal
from tasks.operations.resource import Commands, ResourceError, change, note, resource

# As many connections as a session keeps.
_AT_ONCE = 4


@resource
def project_hook(
    api: Api,
    path: str,
    name: str,
    url: str,
    triggers: Mapping[str, bool],
    fingerprint: Callable[[], str | None],
    token: Callable[[], str],
    signing_token: Callable[[], str],
    signed: bool,
) -> Commands:
    """Have the project call `url` on `triggers` with the secret `token`, and sign with `signing_token`.

    GitLab never shows a hook's secrets, so their common fingerprint is kept in the hook's description (attributes
    `name` and `description` came with 17.1). `fingerprint` is None while one of them does not exist. A GitLab that
    does not know signing tokens, or a trigger, passes them over; it must not if `signed`. A hook that GitLab has
    disabled because its calls failed is replaced, with its log: editing one does not enable it.
    """
    at = project_at(path)
    listed = [] if require_project(api, path) is None else api.pages(f"{at}/hooks")
    hook = Hook(name, url, triggers, fingerprint, token, signing_token, signed)
    wanted = plan(api, at, path, listed, hook)
    note(wanted.notes)
    yield from change(wanted.lines, wanted.save)


@resource
def hooks_of_projects(api: Api, paths: Sequence[str], hook: Hook) -> Commands:
    """Have each of these projects, which are there, have the hook, as `project_hook` has one.

    One in which the token has no right to hooks is named and left alone; one that cannot be changed fails after all
    others are.
    """
    hook = hook.asking_once()
    lines, saves = list[str](), list[Callable[[], None]]()
    with ThreadPoolExecutor(_AT_ONCE) as asked:
        for path, listed in zip(paths, asked.map(lambda path: _hooks_or_none(api, path), paths), strict=True):
            if listed is None:
                note(
                    [
                        f"hook {hook.name} of {path}: gitlab.token has no right to the hooks there (role Maintainer)"
                    ]
                )
                continue
            wanted = plan(api, project_at(path), path, listed, hook)
            note(wanted.notes)
            lines += wanted.lines
            if wanted.lines:
                saves.append(wanted.save)
    yield from change(lines, lambda: _all(saves))


def _hooks_or_none(api: Api, path: str) -> Listed | None:
    """The hooks of a project, None if the token may not see them or the project is gone since it was listed."""
    try:
        found: Listed = api.pages(f"{project_at(path)}/hooks")
    except ApiError as error:
        if error.status in (403, 404):
            return None
        raise
    return found


def _all(saves: Sequence[Callable[[], None]]) -> None:
    failed = list[str]()
    for save in saves:
        try:
            save()
        except ResourceError as error:
            failed.append(str(error))
    if failed:
        raise ResourceError("; ".join(dict.fromkeys(failed)))


@resource
def no_project_hook(
    api: Api,
    path: str,
    name: str,
    addresses: Collection[str],
    fingerprint: Callable[[], str | None],
    unless_at: Collection[str] = (),
) -> Commands:
    """Have no hook called `name` in the project that leads to one of `addresses` (ADDRESS:PORT) or has our secrets.

    The project may have been moved since; it is left alone if it is now at one of the paths `unless_at`. Without the
    project there is no hook. One of the name that leads elsewhere, with secrets of somebody else's, is left alone.
    """
    project = find_project(api, path)
    if project is None and not administers(api):
        note([f"hook {name} of {path}: {api.server.token} sees no such project any more"])
    if project is None or any(is_at(project, kept) for kept in unless_at):
        return
    at = project_at(project["id"])
    wanted = removal(api, at, path, api.pages(f"{at}/hooks"), name, addresses, fingerprint)
    note(wanted.notes)
    yield from change(wanted.lines, wanted.save)
