"""Step 5: what operators type, beside the Compose project."""

from io import StringIO

from pyinfra import host
from pyinfra.operations import files

from tasks.operations.resource import step
from tasks.operations.secret_file import Owner
from tasks.place import Place
from tasks.site import Site
from tasks.templates import render

COMMANDS = ("start-all-services.sh", "stop-all-services.sh", "status.sh", "test-integrations.sh")


@step("Operator commands")
def install_commands(site: Site, place: Place) -> None:
    """The four commands in scripts/, in the site's language."""
    french = site.relays.language == "fr"
    owner, group = host.get_fact(Owner, path=place.infrastructure) or ("root", "root")
    for command in COMMANDS:
        files.put(
            src=StringIO(render(command, site=site, place=place, t=lambda fr, en: fr if french else en)),
            dest=f"{place.scripts}/{command}",
            user=owner,
            group=group,
            mode="755",
            create_remote_dir=False,
            name=f"Command {command}",
        )
