"""Step 3: the GitLab projects, those of groups too, and their hooks to the relay."""

from collections.abc import Collection, Iterable
from functools import partial

from relays.sources.gitlab.events import KINDS
from tasks.context import HOOK_NAME, HOOK_TOKEN, SIGNING_TOKEN, DeployContext
from tasks.left_alone import left_alone
from tasks.made import Made
from tasks.operations import gitlab, group_hooks, project_hooks, secret_file
from tasks.operations.hooks import Hook
from tasks.operations.resource import each, step
from tasks.site import Site


def triggers_of(site: Site) -> dict[str, bool]:
    """The triggers of the site's hooks: those of the kinds of events that its mutes and its routes leave wanted.

    What a GitLab does not know, for its release or its licence, it passes over.
    """
    confidential = any(route.confidential for route in site.gitlab.routes)
    wanted: dict[str, bool] = {}
    for kind in KINDS.values():
        announced = not site.gitlab.mute.mutes(kind)
        wanted |= dict.fromkeys(kind.triggers, announced)
        wanted |= dict.fromkeys(kind.confidential_triggers, announced and confidential)
    return wanted


@step("GitLab")
def provision_gitlab(site: Site, context: DeployContext) -> None:
    """The allow-list entry without which GitLab refuses hooks, the projects, a hook of each with the same secrets."""
    api = context.gitlab
    if context.administers:
        gitlab.outbound_allow_list(api, context.relay, name="Outbound allow-list")
    secret_file.generated_secret(HOOK_TOKEN, name="Secret token of the hooks")
    secret_file.generated_secret(SIGNING_TOKEN, secret_file.SIGNING_TOKEN, name="Signing token of the hooks")
    wanted = (
        HOOK_NAME,
        context.hook_url,
        triggers_of(site),
        fingerprint,
        partial(secret_file.read, HOOK_TOKEN),
        partial(secret_file.read, SIGNING_TOKEN),
        context.gitlab_signs,
    )
    hook = Hook(*wanted)
    for project in each(site.projects):
        gitlab.project(api, project, name=f"Project {project}")
        project_hooks.project_hook(api, project, *wanted, name=f"Hook of {project}")
    members = context.members
    if members.left_alone:
        left_alone(members.left_alone, name="Projects that get no hook")
    for group in each(members.groups):
        group_hooks.group_hook(api, group, hook, name=f"Hook of the group {group}")
    if members.projects:
        project_hooks.hooks_of_projects(api, members.projects, hook, name="Hooks of projects of groups")


@step("GitLab")
def remove_hooks(
    context: DeployContext, made: Made, addresses: Collection[str], kept: Collection[str]
) -> None:
    """The hooks to `addresses` in projects and groups that were `made`; those of the projects `kept` stay.

    A project may be a kept one by now, under another path. The projects and the groups stay.
    """
    for project in each(sorted(made.projects)):
        project_hooks.no_project_hook(
            context.gitlab, project, HOOK_NAME, addresses, fingerprint, kept, name=f"Hook of {project}"
        )
    for group in each(sorted(made.groups)):
        group_hooks.no_group_hook(
            context.gitlab, group, HOOK_NAME, addresses, fingerprint, name=f"Hook of the group {group}"
        )


@step("GitLab")
def remove_allowed(context: DeployContext, addresses: Iterable[str]) -> None:
    """These entries of the allow-list; where it is not the deploy's to set, they are named."""
    if not context.administers:
        if named := [
            f"outbound allow-list entry {address}: an administrator's to remove" for address in addresses
        ]:
            left_alone(named, name="Outbound allow-list")
        return
    for address in each(addresses):
        gitlab.no_allow_list_entry(context.gitlab, address, name=f"Outbound allow-list entry {address}")


def fingerprint() -> str | None:
    """That of the secrets which this host and the hooks have in use; None while one of them does not exist."""
    return secret_file.fingerprint_in_use(HOOK_TOKEN, SIGNING_TOKEN)
