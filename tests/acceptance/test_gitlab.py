"""Checklist: the project, and its hook to the relay with the triggers ticked."""

import pytest
from testinfra.host import Host

from tasks.gitlab import triggers_of
from tasks.operations.gitlab import signs
from tasks.site import Site
from tests.acceptance.people import Forge
from tests.evidence.camera import Camera

pytestmark = pytest.mark.checklist("gitlab-hook")


def test_project_has_a_readme(forge: Forge, camera: Camera) -> None:
    """The project is there with a README, so that it has a branch to work from."""
    branch = forge.api("GET", "PROJECT")["default_branch"]
    assert forge.api("GET", f"PROJECT/repository/files/README.md?ref={branch}")["file_name"] == "README.md"
    camera.take("14-gitlab-projet-test")


def test_one_hook_leads_to_the_relay_with_its_triggers(forge: Forge, site: Site, camera: Camera) -> None:
    """One hook, with its triggers ticked, leads to the relay: a second one would double every message."""
    ours = [hook for hook in forge.hooks() if hook["url"].endswith(f":{site.relays.port}/webhook/gitlab")]
    assert len(ours) == 1
    wanted = triggers_of(site)
    # A trigger that this GitLab does not know is not among its answers.
    assert {trigger: bool(ours[0].get(trigger, wanted[trigger])) for trigger in wanted} == wanted
    camera.take("15-gitlab-webhook-config")


def test_hook_has_its_secrets_and_works(forge: Forge) -> None:
    """GitLab proves who it is to the relay: otherwise anybody on the network could write into the channel."""
    (ours,) = [hook for hook in forge.hooks() if hook["name"] == "Passerelle"]
    assert ours.get("token_present", True) is True
    assert ours["alert_status"] == "executable"
    # A request with a signature cannot be altered, nor be sent again later, by somebody who saw it.
    if signs(forge.api("GET", "version")["version"]):
        assert ours["signing_token_present"] is True


def test_gitlab_may_reach_the_relay(forge: Forge) -> None:
    """The relay is on GitLab's allow-list: it refuses hooks to addresses of its own network that are not."""
    (ours,) = [hook for hook in forge.hooks() if hook["name"] == "Passerelle"]
    address = ours["url"].removeprefix("http://").partition("/")[0]
    assert address in forge.api("GET", "application/settings")["outbound_local_requests_whitelist"]


@pytest.mark.parametrize("name", ["gitlab-hook-token", "gitlab-signing-token"])
def test_secrets_of_the_hook_are_private(host: Host, name: str) -> None:
    """Only root, and the service that systemd hands them to, reads what GitLab proves itself with."""
    secret = host.file(f"/etc/passerelle/{name}")
    assert (secret.mode, secret.user, secret.size > 30) == (0o600, "root", True)
