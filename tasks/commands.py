"""Step 5: what operators type, beside the Compose project."""

from functools import partial

from pyinfra import host

from tasks.operations.absent import no_paths
from tasks.operations.compose import DockerError, command_for, containers, of_project
from tasks.operations.resource import step
from tasks.operations.text_file import Owner, text_files
from tasks.place import Place
from tasks.site import Site
from tasks.templates import render

COMMANDS = (
    "start-all-services.sh",
    "stop-all-services.sh",
    "status.sh",
    "test-integrations.sh",
    "parked.sh",
)


@step("Operator commands")
def install_commands(site: Site, place: Place) -> None:
    """The commands in scripts/, in the site's language."""
    french = site.relays.language == "fr"
    owner, group = host.get_fact(Owner, path=place.infrastructure) or ("root", "root")
    words = {
        "site": site,
        "place": place,
        "compose": _compose(site, place),
        "t": lambda fr, en: fr if french else en,
    }
    text_files(
        {f"{place.scripts}/{command}": partial(render, command, **words) for command in COMMANDS},
        "755",
        owner,
        group,
        name="Commands in scripts/",
    )


def _compose(site: Site, place: Place) -> str:
    """What `docker compose` is to be typed as for the site's project, in its folder."""
    try:
        found = containers(place.infrastructure)
    except DockerError:
        # Where the trees are on the disk, the relays' step has said so.
        found = []
    return command_for(of_project(found, place.infrastructure, site.host.compose_project))


@step("Operator commands")
def remove_commands(place: Place) -> None:
    """The commands, the URLs of the webhooks, and scripts/ if nothing else is in it."""
    files = [f"{place.scripts}/{command}" for command in COMMANDS]
    no_paths([*files, place.webhooks_conf], [place.scripts], name="Commands in scripts/")
