"""What the checks look at: the report of the host, and the applications' own answers, each asked for once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tasks.context import HOOK_NAME, hook_url
from tasks.members import Members, find_members
from tasks.operations.api import Api
from tasks.operations.compose import Container, DockerError, command_for
from tasks.operations.gitlab import group_at, project_at
from tasks.operations.mattermost import find_team
from tasks.operations.webhooks import Webhook, find_webhooks
from tasks.site import Site
from tasks.site_mattermost import IncomingWebhook

GITLAB_RELAY = "passerelle-gitlab"
NEXTCLOUD_RELAY = "passerelle-nextcloud"
# No path of a project holds a space.
_GROUP = "group "


def at(project: str) -> str:
    """The path in the API of one of GitLab's projects, or of a group, which is called `group PATH`."""
    return group_at(project.removeprefix(_GROUP)) if project.startswith(_GROUP) else project_at(project)


@dataclass
class Look:
    """One look at a site.

    `name` is what the site is called; `host` is what tasks.doctor.probe reports, `ready` what tasks.preflight.probe
    does; `containers` what Compose has made there, `project` those of the site's project, `docker` why they are not
    known; `tree` the HR tree on the host, None if it is on no volume; `fingerprint` that of the hook's secrets on the
    host, None if one is missing. `reader` and `writer` answer APIs for further tokens of GitLab; `command_tokens` are
    access and sha256 of the file with the tokens of slash commands, empty without one.
    """

    name: str
    site: Site
    infrastructure: str
    relay: str
    host: dict[str, Any]
    ready: dict[str, Any]
    containers: list[Container]
    project: list[Container]
    docker: DockerError | None
    tree: str | None
    fingerprint: str | None
    mattermost: Api
    gitlab: Api
    reader: Callable[[], Api]
    writer: Callable[[], Api]
    command_tokens: tuple[str, str] = ("", "")

    @property
    def compose(self) -> dict[str, str]:
        """What a remedy names: the folder of the project, and what `docker compose` is to be typed as there."""
        return {"folder": self.infrastructure, "compose": command_for(self.project)}

    @property
    def hook_url(self) -> str:
        """Where GitLab sends events."""
        return hook_url(self.site.relays.url, self.relay)

    @property
    def webhooks(self) -> dict[str, IncomingWebhook]:
        """The incoming webhooks by the names that their addresses bear in webhooks.conf."""
        wanted = self.site.mattermost
        return {
            "GITLAB_WEBHOOK_URL": wanted.gitlab_webhook,
            "NEXTCLOUD_WEBHOOK_URL": wanted.nextcloud_webhook,
        }

    @cached_property
    def team(self) -> dict[str, Any] | None:
        """Mattermost's team, archived or not."""
        return find_team(self.mattermost, self.site.mattermost.team)

    def incoming(self, wanted: IncomingWebhook) -> list[Webhook]:
        """Mattermost's incoming webhooks of that name; none while they are switched off."""
        return find_webhooks(self.mattermost, self.site.mattermost.team, wanted.display_name) or []

    @cached_property
    def version(self) -> str:
        """GitLab's version."""
        return str(self.gitlab.call("GET", "/api/v4/version")["version"])

    @cached_property
    def members(self) -> Members:
        """What the patterns of the site find."""
        return find_members(self.site, self.gitlab)

    @property
    def projects(self) -> list[str]:
        """Every project that is to have a hook of its own, and every group, as `group PATH`."""
        return [
            *self.site.projects,
            *self.members.projects,
            *(f"{_GROUP}{group}" for group in self.members.groups),
        ]

    @cached_property
    def hooks(self) -> dict[str, list[dict[str, Any]]]:
        """The hooks of each project that bear our name or lead to the relay."""
        listed = {project: self.gitlab.pages(f"{at(project)}/hooks") for project in self.projects}
        return {
            project: [hook for hook in hooks if hook.get("name") == HOOK_NAME or hook["url"] == self.hook_url]
            for project, hooks in listed.items()
        }
