"""make teardown: what Passerelle has made is gone, what others have made and what people work in is not."""

from collections.abc import Callable, Iterator

import pytest

from tasks.site import Site
from tests.acceptance.people import Chat, Cloud, Forge, marker
from tests.lab.runs import Run, deploy, pyinfra
from tests.lab.test_outage import seen
from tests.waiting import wait_until

Shell = Callable[[str], str]
SETTINGS, ENTRY = "application/settings", "192.0.2.9:80"
SCRIPTS = "/root/taaf-infrastructure/scripts"
# Where the operator's guide puts what it saves, which is the operator's.
SAVED = "/root/passerelle-backup"
# Everything on the host that bears the name, but for what systemd keeps of a host that was switched off hard.
OURS = (
    "find / -xdev \\( -path /proc -o -path /sys -o -path /var/lib/docker -o -path /var/log"
    f" -o -path {SAVED} \\) -prune -o"
    " -name '*passerelle*' ! -name 'systemd-private-*' -print 2>/dev/null"
)


def teardown(*options: str) -> Run:
    """The command."""
    return pyinfra(*options, deploy="teardown.py")


@pytest.fixture
def others(chat: Chat, forge: Forge, site: Site, machine: Shell) -> Iterator[str]:
    """What other people have made in the same places; its mark."""
    mark = marker()
    channel = chat.channel(site.mattermost.gitlab_webhook.channel)["id"]
    incoming = chat.api("POST", "/hooks/incoming", {"channel_id": channel, "display_name": mark})
    forge.api("POST", "PROJECT/hooks", {"url": "http://203.0.113.9/other", "name": mark})
    allowed = [*forge.api("GET", SETTINGS)["outbound_local_requests_whitelist"], ENTRY]
    forge.api("PUT", SETTINGS, {"outbound_local_requests_allowlist_raw": "\n".join(allowed)})
    machine(f"touch {SCRIPTS}/{mark}.sh")
    yield mark
    chat.api("DELETE", f"/hooks/incoming/{incoming['id']}")
    for hook in forge.hooks():
        if hook["name"] == mark:
            forge.api("DELETE", f"PROJECT/hooks/{hook['id']}")
    machine(f"rm -f {SCRIPTS}/{mark}.sh")
    others = [
        entry for entry in forge.api("GET", SETTINGS)["outbound_local_requests_whitelist"] if entry != ENTRY
    ]
    forge.api("PUT", SETTINGS, {"outbound_local_requests_allowlist_raw": "\n".join(others)})
    deploy()


def test_what_was_made_is_gone_and_nothing_else(
    others: str, chat: Chat, forge: Forge, cloud: Cloud, machine: Shell
) -> None:
    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"})
    wait_until("a message", lambda: seen(chat, "dev-notifications", mark) == ["0"])
    cloud.put(f"Contrats/{mark}.pdf", b"%PDF")

    shown = teardown("--dry")
    assert (shown.code, shown.changed) == (0, 0)
    assert "- hook Passerelle" in shown.output
    assert "- incoming webhook 'GitLab Notifications'" in shown.output
    assert machine("systemctl is-active passerelle-gitlab.service").strip() == "active"

    run = teardown("-y")
    assert run.code == 0, run.output
    assert machine(OURS).split() == []
    assert "passerelle" not in machine("systemctl list-units --all --no-pager; ss -ltnp")
    assert [hook["name"] for hook in forge.hooks()] == [others]
    assert forge.api("GET", "application/settings")["outbound_local_requests_whitelist"] == [ENTRY]
    incoming = [hook["display_name"] for hook in chat.api("GET", "/hooks/incoming?per_page=200")]
    assert incoming == [others]
    assert machine(f"ls -A {SCRIPTS}").split() == [f"{others}.sh"]
    # What people work in.
    assert seen(chat, "dev-notifications", mark) == ["0"]
    assert forge.api("GET", "PROJECT")["default_branch"]
    assert "Contrats" in cloud.folders()

    assert teardown("-y").changed == 0
    deploy()
    assert deploy().changed == 0
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-1"})
    wait_until("a message again", lambda: seen(chat, "dev-notifications", mark) == ["0", "1"])
    cloud.delete(f"Contrats/{mark}.pdf")
