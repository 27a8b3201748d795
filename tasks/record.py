"""What earlier deploys have made, remembered on the host.

The settings say what is wanted, not what was: without a record nobody would know which project is listed no longer, or
how a webhook was called before. It holds no secret, and is written before anything is made: a run that is killed leaves
nothing behind that the next one does not know of. What is in it and no longer described is removed (tasks.leftovers).
"""

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from pyinfra import inventory

from tasks.commands import command_files
from tasks.context import DeployContext
from tasks.left_alone import left_alone
from tasks.made import Made, described
from tasks.marks import RECORD, look_for_marks, made_by_marks
from tasks.operations.absent import no_paths
from tasks.operations.mattermost_connections import is_allowed
from tasks.operations.resource import ResourceError, step
from tasks.operations.text_file import text_files
from tasks.site import Site
from tasks.site_machines import Machine

_ACCESS = ("600", "root", "root")


def recall(site: Site, context: DeployContext) -> Made:
    """What deploys have made here so far; of a host that was deployed without a record, what its marks say."""
    marks = look_for_marks(context)
    try:
        found = Made.from_json(marks.record) if marks.record else made_by_marks(site, context, marks)
    except ValueError as error:
        raise ResourceError(
            f"{RECORD} on the host cannot be read ({error}); remove it, then what was made is found by its marks"
        ) from None
    foreign = _foreign(site, context, found)
    return replace(found, in_use=marks.in_use, port=marks.port, spool=marks.spool, foreign=foreign)


def _foreign(site: Site, context: DeployContext, found: Made) -> frozenset[str]:
    """Of the connections that are wanted those that Mattermost has without us: none of ours to take away again."""
    new = described(site, context.relay).connections - found.connections
    return frozenset(each for each in new if is_allowed(context.mattermost, each))


def wanted(site: Site, context: DeployContext) -> Made:
    """What the settings describe, and what their patterns find."""
    found = Made(projects=frozenset(context.members.projects), groups=frozenset(context.members.groups))
    return described(site, context.relay, command_files(context.scripts)) | found


def wanted_elsewhere(site: Site) -> Made:
    """What the settings of the other sites of this run describe, and so is none of this one's to remove."""
    # A relay host bears the site of the host that it belongs to.
    others = {id(each.data.site): each.data.site for each in inventory if each.data.site != site}
    claims = Made()
    for other in others.values():
        own = Machine(**other.host.model_dump(include=set(Machine.model_fields)))
        claims |= described(other, other.relays.given) | Made(machines=frozenset({own}))
    return claims


@step("Record")
def remember(
    site: Site, context: DeployContext, made: Made, *, set_aside: Iterable[tuple[str, str]] = ()
) -> None:
    """What is going to be made, beside what there is; before any of it is."""
    if others := list(other_servers(made, wanted(site, context))):
        left_alone(others, name="What other servers keep")
    everything = made | wanted(site, context) | Made(webhooks=frozenset(set_aside))
    _write(everything, made, "Record of what is made")


@step("Record")
def forget_all_but(site: Site, context: DeployContext, made: Made, kept: Made) -> None:
    """What is described and what is `kept` of what was `made`; after all the rest is removed."""
    _write(kept | wanted(site, context), made, "Record of what was made")


@step("Record")
def forget() -> None:
    """All of it, after all that it names is removed."""
    no_paths([posixpath.dirname(RECORD)], name="Record of what was made")


def _write(everything: Made, before: Made, name: str) -> None:
    ours = replace(everything, connections=everything.connections - before.foreign)
    text_files({RECORD: partial(str, ours.to_json())}, *_ACCESS, name=name)


def other_servers(made: Made, now: Made) -> Iterator[str]:
    """A line for each server that another one has taken the place of, or the same under another address."""
    for setting, before, after, what in (
        ("gitlab.url", made.gitlab, now.gitlab, "hooks in its projects and the entry on its allow-list"),
        ("mattermost.url", made.mattermost, now.mattermost, "webhooks and bot"),
    ):
        if before and before != after:
            yield f"{setting} was {before}: if that is another server, its {what} stay there; delete them there"
