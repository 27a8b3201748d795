"""What leaves the settings leaves the site: whatever deploys have made and nobody describes any more."""

import posixpath
from collections.abc import Collection, Iterable

from tasks.bot import kept_bot, leave_channels, remove_bots
from tasks.context import DeployContext
from tasks.former_hosts import find_former_hosts, remove_relays_of
from tasks.gitlab import remove_allowed, remove_hooks
from tasks.made import Made
from tasks.marks import RECORD
from tasks.mattermost import remove_webhooks
from tasks.operations.absent import no_paths, nothing_but
from tasks.operations.nextcloud import scanned
from tasks.operations.resource import step
from tasks.record import forget_all_but, wanted, wanted_elsewhere
from tasks.relay_settings import bound_at
from tasks.relays import MOUNT_POINTS
from tasks.site import Site
from tasks.slash_commands import remove_commands, remove_connections

_STATE = "/var/lib/passerelle/*"


def remove_leftovers(site: Site, context: DeployContext, made: Made) -> None:
    """What was made and is no longer described, after all that takes its place is at work."""
    left = made - wanted(site, context) - wanted_elsewhere(site)
    remove_from_gitlab(context, made, left, kept=[*site.projects, *context.members.projects])
    remove_webhooks(context, left.webhooks, made)
    remove_commands(context, left.commands, made)
    remove_connections(context, left.connections)
    remove_bots(context, left.bots, kept=kept_bot(site))
    leave_channels(site, context, left.bot_channels)
    remove_files(left.files)
    _remove_unused(site)
    reached, unreached = find_former_hosts(left.machines)
    remove_relays_of(reached)
    if made - wanted(site, context) - Made(machines=unreached):
        forget_all_but(site, context, made, Made(machines=unreached))


def remove_from_gitlab(context: DeployContext, made: Made, left: Made, *, kept: Collection[str] = ()) -> None:
    """Hooks and entries of the allow-list that are `left` of what was made; hooks of the projects `kept` stay."""
    remove_hooks(context, left, {context.relay, *made.addresses}, kept)
    remove_allowed(context, sorted(left.addresses))


@step("Leftovers")
def remove_files(files: Iterable[str]) -> None:
    """Files beside the applications, and their folders down from scripts/ if nothing else is in them."""
    paths = sorted(files)
    folders = {posixpath.dirname(path) for path in paths}
    folders |= {posixpath.dirname(folder) for folder in folders if posixpath.basename(folder) != "scripts"}
    deepest_first = sorted(folders, key=lambda folder: folder.count("/"), reverse=True)
    if paths:
        no_paths(paths, deepest_first, name="Files beside the applications")


@step("Leftovers")
def _remove_unused(site: Site) -> None:
    """What the relays and the deploy keep of trees that are no longer watched."""
    on_disk = site.nextcloud.source == "disk"
    bound = [bound_at(site, tree) for tree in site.trees] if on_disk else []
    marks = [scanned(tree.owner, tree.tree) for tree in site.trees if tree.owner] if on_disk else []
    kept = [*bound, *map(posixpath.dirname, bound), RECORD, *marks]
    nothing_but([*MOUNT_POINTS, _STATE], kept, name="Mount points and marks of trees")
