"""Step 5: what operators type, beside the Compose project, and what the mission's troubleshooting has them type."""

from functools import partial

from tasks.context import WEBHOOKS_CONF, DeployContext
from tasks.operations.compose import DockerError, command_for, of_project
from tasks.operations.resource import ResourceError, step
from tasks.operations.text_file import text_files
from tasks.relays import trusted
from tasks.site import Site
from tasks.templates import render

COMMANDS = (
    "start-all-services.sh",
    "stop-all-services.sh",
    "status.sh",
    "test-integrations.sh",
    "parked.sh",
    "choices.sh",
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
def install_commands(site: Site, context: DeployContext) -> None:
    """The commands in scripts/, in the site's language."""
    french = site.relays.language == "fr"
    owner, group = context.owner
    words = {
        "site": site,
        "context": context,
        "ca": next(iter(trusted(site)), None),
        "compose": _compose(site, context),
        "t": lambda fr, en: fr if french else en,
    }
    commands = {f"{context.scripts}/{command}": partial(render, command, **words) for command in COMMANDS}
    commands |= {
        f"{context.scripts}/{path}": partial(render, "start-relay.sh", relay=relay, **words)
        for path, relay in STARTS.items()
    }
    logs = {
        f"{context.scripts}/{path}": partial(render, "log", relay=relay, **words)
        for path, relay in LOGS.items()
    }
    text_files(commands, "755", owner, group, name="Commands in scripts/")
    text_files(logs, "644", owner, group, name="Where the logs are, in scripts/")


def _compose(site: Site, context: DeployContext) -> str:
    """What `docker compose` is to be typed as for the site's project, in its folder; empty without one."""
    try:
        found = context.containers
    except DockerError as error:
        if error.reason == "engine" and site.services:
            raise
        # Where the trees are on the disk, the relays' step has said so.
        found = []
    ours = of_project(found, context.infrastructure, site.host.compose_project)
    services = sorted({each.service for each in ours})
    wanted = site.gitlab.service
    # Sites of 1.0.0 say that GitLab runs elsewhere by naming no service.
    if services and wanted and "service" in site.gitlab.model_fields_set and wanted not in services:
        raise ResourceError(
            f"gitlab.service = {wanted!r}: there is no such service in the Compose project of {context.infrastructure} "
            f'(there are: {", ".join(services)}); correct it, or make it "" if GitLab runs elsewhere'
        )
    return command_for(ours) if ours or site.services else ""
