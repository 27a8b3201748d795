"""Checklist: the projects, and their hooks to the relay with the triggers ticked."""

from urllib.parse import quote, urlsplit

import pytest
from testinfra.host import Host

from tasks.gitlab import triggers_of
from tasks.operations.gitlab import signs
from tasks.site import Site
from tests.acceptance.people import Forge
from tests.evidence.camera import Camera

pytestmark = pytest.mark.checklist("gitlab-hook")


def leads_to(site: Site) -> str:
    """How the address ends that GitLab sends events to."""
    return f"{site.relays.url or f':{site.relays.port}'}/webhook/gitlab"


def test_project_has_a_readme(forge: Forge, site: Site, camera: Camera) -> None:
    """Each project is there with a README, so that it has a branch to work from."""
    for project in site.projects:
        branch = forge.api("GET", "PROJECT", project=project)["default_branch"]
        file = forge.api("GET", f"PROJECT/repository/files/README.md?ref={branch}", project=project)
        assert file["file_name"] == "README.md"
    camera.take("14-gitlab-projet-test")


def test_one_hook_leads_to_the_relay_with_its_triggers(forge: Forge, site: Site, camera: Camera) -> None:
    """One hook of each project, with its triggers ticked, leads to the relay: a second would double every message."""
    wanted, relay = triggers_of(site), leads_to(site)
    for project in forge.projects:
        ours = [hook for hook in forge.hooks(project) if hook["url"].endswith(relay)]
        assert len(ours) == 1
        # A trigger that this GitLab does not know is not among its answers.
        assert {trigger: bool(ours[0].get(trigger, wanted[trigger])) for trigger in wanted} == wanted
    camera.take("15-gitlab-webhook-config")


def test_hook_has_its_secrets_and_works(forge: Forge, site: Site) -> None:
    """GitLab proves who it is to the relay: otherwise anybody on the network could write into the channel."""
    signed = signs(forge.api("GET", "version")["version"])
    for project in forge.projects:
        (ours,) = [hook for hook in forge.hooks(project) if hook["name"] == "Passerelle"]
        assert ours.get("token_present", True) is True
        assert ours["alert_status"] == "executable"
        # A request with a signature cannot be altered, nor be sent again later, by somebody who saw it.
        if signed:
            assert ours["signing_token_present"] is True


def test_a_group_with_a_hook_of_its_own_has_one(forge: Forge, site: Site) -> None:
    """Where GitLab has hooks of groups, that of a listed group stands for those of its projects."""
    for group in forge.members().groups:
        ours = [
            hook
            for hook in forge.api("GET", f"groups/{quote(group, safe='')}/hooks?per_page=100")
            if hook["url"].endswith(leads_to(site))
        ]
        assert [hook["name"] for hook in ours] == ["Passerelle"]


def test_gitlab_may_reach_the_relay(forge: Forge, site: Site) -> None:
    """The relay is on GitLab's allow-list: it refuses hooks to addresses of its own network that are not."""
    if not site.gitlab.service and not forge.api("GET", "user").get("is_admin"):
        pytest.skip(
            "the allow-list of a GitLab elsewhere is somebody else's; that the hook is there shows the way"
        )
    (ours,) = [hook for hook in forge.hooks() if hook["name"] == "Passerelle"]
    address = urlsplit(ours["url"]).netloc
    assert address in forge.api("GET", "application/settings")["outbound_local_requests_whitelist"]


@pytest.mark.parametrize("name", ["gitlab-hook-token", "gitlab-signing-token"])
def test_secrets_of_the_hook_are_private(host: Host, name: str) -> None:
    """Only root, and the service that systemd hands them to, reads what GitLab proves itself with."""
    secret = host.file(f"/etc/passerelle/{name}")
    assert (secret.mode, secret.user, secret.size > 30) == (0o600, "root", True)
