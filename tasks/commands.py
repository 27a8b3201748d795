"""Step 5: what operators type, beside the Compose project."""

from functools import partial

from pyinfra import host

from tasks.operations.resource import step
from tasks.operations.text_file import Owner, text_files
from tasks.place import WEBHOOKS_CONF, Place
from tasks.site import Site
from tasks.templates import render

COMMANDS = (
    "start-all-services.sh",
    "stop-all-services.sh",
    "status.sh",
    "test-integrations.sh",
    "parked.sh",
)


def command_files(scripts: str) -> list[str]:
    """All that a deploy puts into the folder `scripts`, the URLs of the webhooks as well."""
    return [f"{scripts}/{name}" for name in (*COMMANDS, WEBHOOKS_CONF)]


@step("Operator commands")
def install_commands(site: Site, place: Place) -> None:
    """The commands in scripts/, in the site's language."""
    french = site.relays.language == "fr"
    owner, group = host.get_fact(Owner, path=place.infrastructure) or ("root", "root")
    words = {"site": site, "place": place, "t": lambda fr, en: fr if french else en}
    text_files(
        {f"{place.scripts}/{command}": partial(render, command, **words) for command in COMMANDS},
        "755",
        owner,
        group,
        name="Commands in scripts/",
    )
