"""Step 5: what operators type, beside the Compose project, and what the mission's troubleshooting has them type."""

from functools import partial

from pyinfra import host

from tasks.operations.compose import DockerError, command_for, containers, of_project
from tasks.operations.resource import ResourceError, step
from tasks.operations.text_file import Owner, text_files
from tasks.place import WEBHOOKS_CONF, Place
from tasks.relays import trusted
from tasks.site import Site
from tasks.templates import render

COMMANDS = (
    "start-all-services.sh",
    "stop-all-services.sh",
    "status.sh",
    "test-integrations.sh",
    "parked.sh",
)
# The mission's hand-made relays had these; who follows its troubleshooting finds what has taken their place.
STARTS = {
    "webhooks/start_gitlab_webhook.sh": "passerelle-gitlab",
    "monitoring/start_nextcloud_monitor.sh": "passerelle-nextcloud",
}
LOGS = {
    "webhooks/webhook_gitlab.log": "passerelle-gitlab",
    "monitoring/monitor.log": "passerelle-nextcloud",
}


def command_files(scripts: str) -> list[str]:
    """All that a deploy puts into the folder `scripts`, the URLs of the webhooks as well."""
    return [f"{scripts}/{name}" for name in (*COMMANDS, *STARTS, *LOGS, WEBHOOKS_CONF)]


@step("Operator commands")
def install_commands(site: Site, place: Place) -> None:
    """The commands in scripts/, in the site's language."""
    french = site.relays.language == "fr"
    owner, group = host.get_fact(Owner, path=place.infrastructure) or ("root", "root")
    words = {
        "site": site,
        "place": place,
        "ca": next(iter(trusted(site)), None),
        "compose": _compose(site, place),
        "t": lambda fr, en: fr if french else en,
    }
    commands = {f"{place.scripts}/{command}": partial(render, command, **words) for command in COMMANDS}
    commands |= {
        f"{place.scripts}/{path}": partial(render, "start-relay.sh", relay=relay, **words)
        for path, relay in STARTS.items()
    }
    logs = {
        f"{place.scripts}/{path}": partial(render, "log", relay=relay, **words)
        for path, relay in LOGS.items()
    }
    text_files(commands, "755", owner, group, name="Commands in scripts/")
    text_files(logs, "644", owner, group, name="Where the logs are, in scripts/")


def _compose(site: Site, place: Place) -> str:
    """What `docker compose` is to be typed as for the site's project, in its folder."""
    try:
        found = containers(place.infrastructure)
    except DockerError:
        # Where the trees are on the disk, the relays' step has said so.
        found = []
    ours = of_project(found, place.infrastructure, site.host.compose_project)
    services = sorted({each.service for each in ours})
    wanted = site.gitlab.service
    # GitLab may run elsewhere, which a site says by naming no service.
    if services and "service" in site.gitlab.model_fields_set and wanted not in services:
        raise ResourceError(
            f"gitlab.service = {wanted!r}: there is no such service in the Compose project of {place.infrastructure} "
            f"(there are: {', '.join(services)}); correct it, or leave it out if GitLab runs elsewhere"
        )
    return command_for(ours)
