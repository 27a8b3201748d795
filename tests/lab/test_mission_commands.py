"""What the mission's troubleshooting has people type, word for word: it works, or says what to type instead."""

import base64
from collections.abc import Callable

import pytest

from tests.acceptance.people import Chat, Cloud, Forge, marker
from tests.lab.test_outage import seen
from tests.waiting import wait_until

Shell = Callable[[str], str]

# The block as the mission has it, and what must stand in the answer. What would not end is ended.
TYPED = {
    "is the webhook script running": ("ps aux | grep gitlab_webhook", "relays.sources.gitlab"),
    "webhook log": (
        "timeout 1 tail -f ~/taaf-infrastructure/scripts/webhooks/webhook_gitlab.log || true",
        "journalctl -f -u passerelle-gitlab",
    ),
    "endpoint": ("curl http://localhost:8090/health", '"status": "ok"'),
    "is the monitor running": ("ps aux | grep nextcloud_monitor", "relays.sources.nextcloud"),
    "monitor log": (
        "timeout 1 tail -f ~/taaf-infrastructure/scripts/monitoring/monitor.log || true",
        "journalctl -f -u passerelle-nextcloud",
    ),
    "volume": ("docker volume inspect taaf-infrastructure_nextcloud_data", '"Mountpoint"'),
    "webhook URLs": ("cat ~/taaf-infrastructure/scripts/.webhooks.conf", "GITLAB_WEBHOOK_URL="),
    "Mattermost's log": (
        "cd ~/taaf-infrastructure && docker compose logs mattermost | grep -i webhook || true",
        "",
    ),
    "webhook by hand": (
        '. ~/taaf-infrastructure/scripts/.webhooks.conf; curl -sS -X POST "$GITLAB_WEBHOOK_URL" '
        "-H 'Content-Type: application/json' -d '{\"text\": \"Test notification essai\"}'",
        "ok",
    ),
}
RESTARTS = {
    "gitlab": """pkill -f gitlab_webhook.py
cd ~/taaf-infrastructure/scripts/webhooks
./start_gitlab_webhook.sh""",
    "nextcloud": """pkill -f nextcloud_monitor.py
cd ~/taaf-infrastructure/scripts/monitoring
./start_nextcloud_monitor.sh""",
}


def typed(machine: Shell, commands: str) -> str:
    """The answer to commands typed into a shell, whose own arguments do not hold them."""
    return machine(f"echo {base64.b64encode(commands.encode()).decode()} | base64 -d | HOME=/root bash 2>&1")


@pytest.mark.parametrize("what", TYPED)
def test_command_answers(machine: Shell, chat: Chat, what: str) -> None:
    commands, answer = TYPED[what]
    # The command that looks for a process finds itself as well.
    reported = [line for line in typed(machine, commands).splitlines() if "grep" not in line]
    assert answer in "\n".join(reported)
    for post in chat.posts("dev-notifications"):
        if post["message"] == "Test notification essai":
            chat.delete(post)


@pytest.mark.parametrize("relay", RESTARTS)
def test_restart_as_the_mission_types_it(
    machine: Shell, chat: Chat, forge: Forge, cloud: Cloud, relay: str
) -> None:
    """The process is another one, one alone runs, and what happens next is announced once."""
    pid = f"systemctl show -P MainPID passerelle-{relay}"
    before = machine(pid)
    assert "✅" in typed(machine, RESTARTS[relay])
    wait_until("another process", lambda: machine(pid) not in (before, "0\n"))
    mark = marker()
    if relay == "gitlab":
        forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"})
        wait_until("a message", lambda: seen(chat, "dev-notifications", mark) == ["0"])
    else:
        cloud.put(f"Contrats/{mark}-0.pdf", b"%PDF")
        wait_until("a message", lambda: seen(chat, "rh-alerts", mark) == ["0"])
        cloud.delete(f"Contrats/{mark}-0.pdf")
    assert machine(f"pgrep -fc 'relays[.]sources[.]{relay} --config'").strip() == "1"
