"""Each fault that can be made in the lab: the doctor names it first, with its remedy, and is content after the mend.

What cannot be made here (clocks apart, network storage, limits of the kernel) is in tests/unit/test_doctor_checks.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tasks.site import Site
from tests.acceptance.people import Chat, Forge, marker, shown
from tests.lab.doctor import doctor, open_issue, wait_until_sound
from tests.lab.faults.world import INFRASTRUCTURE, TREE, World, on_host
from tests.lab.runs import deploy
from tests.waiting import wait_until

Deed = Callable[[World], object]
CONF = f"{INFRASTRUCTURE}/scripts/.webhooks.conf"
OTHER_KEY = "whsec_" + "A" * 43 + "="
UNIT = "/etc/systemd/system"
PLUGINS = "/usr/libexec/docker/cli-plugins"


# A file of keys that names no host.
EMPTY = str(Path(__file__).with_name("known_hosts"))


@dataclass(frozen=True)
class Fault:
    """How it is made, the code and a word of the remedy, and how it is undone before the deploy that follows."""

    make: Deed
    code: str
    remedy: str = "make deploy"
    undo: Deed | None = None


def compose(command: str) -> Deed:
    return on_host(f"cd {INFRASTRUCTURE} && docker compose {command} 2>&1")


def occ(command: str) -> Deed:
    return compose(f"exec -T -u www-data nextcloud php occ {command}")


def signal(name: str, unit: str) -> str:
    return f"kill -{name} $(systemctl show -P MainPID {unit})"


def deliver_with_other_secrets(world: World) -> None:
    """Somebody has typed other secrets into GitLab's form; the description still names ours."""
    world.alter_hook(token="other-secret", signing_token=OTHER_KEY)
    hook = world.hook()["id"]
    open_issue(world.forge)
    newest = f"PROJECT/hooks/{hook}/events?per_page=1"
    wait_until(
        "GitLab is refused",
        lambda: [e for e in world.forge.api("GET", newest) if e["response_status"] == "401"],
    )


def take_secrets_back(world: World) -> None:
    """Has the deploy write the hook; then an event arrives, and the refused one is history."""
    world.alter_hook(description="?")
    deploy()
    title = marker()
    world.forge.api("POST", "PROJECT/issues", {"title": title})
    wait_until("the event", lambda: [p for p in world.chat.posts("dev-notifications") if title in shown(p)])


def remove_second_hook(world: World) -> None:
    for hook in world.forge.hooks():
        if hook["name"] != "Passerelle":
            world.forge.api("DELETE", f"PROJECT/hooks/{hook['id']}")


def add_hook(world: World) -> None:
    wanted = {"url": world.hook()["url"], "push_events": False}
    world.forge.api("POST", "PROJECT/hooks", wanted)


DROP_IN = f"{UNIT}/passerelle-gitlab.socket.d"
LISTEN_ANEW = (
    "systemctl daemon-reload; systemctl stop passerelle-gitlab.service;"
    "systemctl restart passerelle-gitlab.socket; systemctl start passerelle-gitlab.service"
)

FAULTS: dict[str, Fault] = {
    "chat stopped": Fault(
        compose("stop mattermost"),
        "docker.stopped",
        "docker compose -p taaf-infrastructure up",
        compose("up -d mattermost"),
    ),
    "chat paused": Fault(
        compose("pause mattermost"), "docker.paused", "unpause mattermost", compose("unpause mattermost")
    ),
    "forge stopped": Fault(
        compose("stop gitlab"),
        "docker.stopped",
        "docker compose -p taaf-infrastructure up -d gitlab",
        compose("up -d gitlab"),
    ),
    "Docker away": Fault(
        on_host("mount --bind /dev/null /run/docker.sock"),
        "docker.silent",
        "systemctl start docker",
        on_host("umount /run/docker.sock"),
    ),
    "override file broken": Fault(
        on_host(f"echo 'services: [' > {INFRASTRUCTURE}/docker-compose.override.yml"),
        "docker.files",
        "config --quiet",
        on_host(f"rm {INFRASTRUCTURE}/docker-compose.override.yml"),
    ),
    "no compose plugin": Fault(
        on_host(f"mount -t tmpfs tmpfs {PLUGINS}"),
        "docker.plugin",
        "docker-compose",
        on_host(f"umount {PLUGINS}"),
    ),
    "read-only disk": Fault(
        on_host("mount --bind /etc /etc && mount -o remount,bind,ro /etc"),
        "host.read-only",
        "mount -o remount,rw",
        on_host("umount -l /etc"),
    ),
    "disk full": Fault(
        on_host(
            "mount -t tmpfs -o size=1m tmpfs /var/lib/passerelle; head -c 2M /dev/zero > /var/lib/passerelle/x || true"
        ),
        "host.disk",
        "libérez de la place",
        on_host("umount /var/lib/passerelle"),
    ),
    "forwarding forbidden": Fault(
        on_host("echo AllowTcpForwarding no > /etc/ssh/sshd_config.d/no.conf; systemctl restart ssh"),
        "ssh.forwarding",
        "AllowTcpForwarding",
        on_host("rm /etc/ssh/sshd_config.d/no.conf; systemctl restart ssh"),
    ),
    "webhooks switched off": Fault(lambda w: w.switch("EnableIncomingWebhooks", False), "mattermost.setting"),
    "user names not overridden": Fault(
        lambda w: w.switch("EnablePostUsernameOverride", False), "mattermost.setting"
    ),
    "team archived": Fault(
        lambda w: w.chat.api("DELETE", f"/teams/{w.chat.api('GET', '/teams/name/taaf')['id']}"),
        "mattermost.team-archived",
    ),
    "channel archived": Fault(
        lambda w: w.chat.api("DELETE", f"/channels/{w.chat.channel('rh-alerts')['id']}"),
        "mattermost.channel-archived",
    ),
    "saved URLs gone": Fault(on_host(f"rm {CONF}"), "webhooks.missing"),
    "saved URLs readable": Fault(on_host(f"chmod 644 {CONF}"), "webhooks.access", "make rotate"),
    "saved URL missing": Fault(on_host(f"sed -i /^NEXTCLOUD/d {CONF}"), "webhooks.incomplete"),
    "webhook deleted": Fault(
        lambda w: w.chat.api("DELETE", f"/hooks/incoming/{w.incoming('GitLab Notifications')['id']}"),
        "webhooks.unknown",
    ),
    "webhook of another name": Fault(
        lambda w: w.alter_incoming("GitLab Notifications", display_name="?"),
        "webhooks.other",
        undo=lambda w: w.alter_incoming("?", display_name="GitLab Notifications"),
    ),
    "webhook of another channel": Fault(
        lambda w: w.alter_incoming(
            "Nextcloud File Monitor", channel_id=w.chat.channel("dev-notifications")["id"]
        ),
        "webhooks.channel",
    ),
    "release broken off": Fault(on_host("rm /opt/passerelle/current/complete"), "relay.release"),
    "relay stopped": Fault(
        on_host("systemctl stop passerelle-gitlab.service"), "relay.stopped", "start-all-services.sh"
    ),
    "monitor stopped": Fault(
        on_host("systemctl stop passerelle-nextcloud.path passerelle-nextcloud.service"),
        "relay.stopped",
        "start-all-services.sh",
    ),
    "trigger stopped": Fault(
        on_host("systemctl stop passerelle-nextcloud.path"), "relay.trigger", "systemctl start"
    ),
    "port of a foreign program": Fault(
        on_host(
            "systemctl stop passerelle-gitlab.socket passerelle-gitlab.service;"
            "systemd-run -q --unit=stranger python3 -m http.server 8090;"
            "until ss -Hltn sport = :8090 | grep -q .; do sleep 0.1; done"
        ),
        "relay.port-taken",
        "arrêtez ce programme",
        on_host("systemctl stop stranger"),
    ),
    "secret gone that the unit names": Fault(
        on_host(
            "rm /etc/passerelle/gitlab-hook-token; systemctl restart --no-block passerelle-gitlab.service;"
            "until systemctl show -p ExecMainStatus passerelle-gitlab.service | grep -q 243; do sleep 0.1; done"
        ),
        "relay.credentials",
    ),
    "relay not started at boot": Fault(
        on_host("systemctl disable passerelle-gitlab.socket 2>&1"), "relay.disabled", "systemctl enable"
    ),
    "unit gone": Fault(
        on_host(f"rm {UNIT}/passerelle-nextcloud.path; systemctl daemon-reload"), "relay.unit-missing"
    ),
    "relay starts again and again": Fault(
        on_host(
            "echo 'unknown = 1' >> /etc/passerelle/nextcloud.toml;"
            "systemctl restart passerelle-nextcloud.service 2>&1 || true"
        ),
        "relay.loop",
        "nomme le fichier",
    ),
    "relay hangs": Fault(
        on_host(signal("STOP", "passerelle-gitlab.service")),
        "gitlab-relay.silent",
        "systemctl restart",
        on_host(signal("CONT", "passerelle-gitlab.service")),
    ),
    "allow-list emptied": Fault(
        lambda w: w.forge.api("PUT", "application/settings", {"outbound_local_requests_allowlist_raw": ""}),
        "gitlab.allow-list",
    ),
    "port bound to the loopback": Fault(
        on_host(
            f"mkdir -p {DROP_IN}; printf '[Socket]\\nListenStream=\\nListenStream=127.0.0.1:8090\\n'"
            f" > {DROP_IN}/own.conf; {LISTEN_ANEW}"
        ),
        "gitlab.reach-refused",
        "relays.address",
        on_host(f"rm -r {DROP_IN}; {LISTEN_ANEW}"),
    ),
    "hook deleted": Fault(
        lambda w: w.forge.api("DELETE", f"PROJECT/hooks/{w.hook()['id']}"), "gitlab.hook-missing"
    ),
    "hook twice": Fault(add_hook, "gitlab.hook-twice", "Settings > Webhooks", remove_second_hook),
    "hook led elsewhere": Fault(
        lambda w: w.alter_hook(url="http://203.0.113.7/other"), "gitlab.hook-address"
    ),
    "hook events unticked": Fault(
        lambda w: w.alter_hook(issues_events=False, merge_requests_events=False), "gitlab.hook-triggers"
    ),
    "signing token lost": Fault(lambda w: w.alter_hook(signing_token=""), "gitlab.hook-secret-missing"),
    "hook token replaced": Fault(
        on_host("echo other-secret > /etc/passerelle/gitlab-hook-token"), "gitlab.hook-secrets"
    ),
    "signing token gone": Fault(on_host("rm /etc/passerelle/gitlab-signing-token"), "gitlab.secret-files"),
    "delivery refused": Fault(
        deliver_with_other_secrets, "delivery.secret", "make rotate", take_secrets_back
    ),
    "cloud in maintenance": Fault(
        occ("maintenance:mode --on"), "nextcloud.maintenance", "--off", occ("maintenance:mode --off")
    ),
    "tree gone": Fault(on_host(f"rm -r {TREE}"), "nextcloud.tree-missing"),
    "folder gone": Fault(on_host(f"rm -r {TREE}/Conges"), "nextcloud.folder-missing"),
    "folder of root": Fault(on_host(f"chown root:root {TREE}/Contrats"), "nextcloud.access"),
    "folder closed": Fault(on_host(f"chmod 700 {TREE}/Contrats"), "nextcloud.access"),
    "service looks at an old tree": Fault(
        on_host(
            f"{signal('STOP', 'passerelle-nextcloud.service')}; mv {TREE} {TREE}_old; cp -a {TREE}_old {TREE}"
        ),
        "nextcloud-relay.bound",
        "systemctl restart",
        on_host(f"{signal('CONT', 'passerelle-nextcloud.service')}; rm -r {TREE}_old"),
    ),
}


@pytest.fixture
def world(site: Site, chat: Chat, forge: Forge, machine: Callable[[str], str]) -> World:
    return World(site, chat, forge, machine)


@pytest.fixture(scope="module", autouse=True)
def sound(forge: Forge) -> Iterator[None]:
    """Sound before, and as described after."""
    open_issue(forge)
    wait_until_sound()
    yield
    deploy()


@pytest.mark.sampled(32)
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_named_with_its_remedy(world: World, fault: str) -> None:
    made = FAULTS[fault]
    made.make(world)
    try:
        found = doctor()
    finally:
        if made.undo:
            made.undo(world)
    assert (found.first, found.code) == (made.code, 2), found.output
    assert made.remedy in found.remedy, found.output
    wait_until("the deploy mends what the undoing has left", partial(mended, world))
    wait_until_sound()


def mended(world: World) -> bool:
    """Whether a deploy succeeds; an application that was stopped takes a while to answer."""
    try:
        deploy()
    except AssertionError as error:
        if "no answer from" not in str(error):
            raise
        return False
    return True


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("settings", "code", "remedy"),
    [
        ({"host__ssh_port": "9"}, "ssh.unreachable", "host.ssh_port"),
        ({"host__address": "nowhere.invalid"}, "ssh.unreachable", "host.address"),
        ({"host__ssh_user": "nobody"}, "ssh.unreachable", "authorized_keys"),
        ({"host__known_hosts": EMPTY}, "ssh.unreachable", "known_hosts"),
        (
            {"host__ssh_user": "ops", "host__sudo": "false", "host__infrastructure": INFRASTRUCTURE},
            "ssh.sudo",
            "host.sudo",
        ),
        ({"relays__port": "8091"}, "relay.port-other", "make deploy"),
        ({"nextcloud__admin": "nobody"}, "nextcloud.no-files", "nextcloud.admin"),
        ({"host__infrastructure": "/root/elsewhere"}, "docker.folder", "host.infrastructure"),
        (
            {"nextcloud__service": "cloud"},
            "docker.service-missing",
            "docker compose -p taaf-infrastructure up -d cloud",
        ),
        ({"mattermost__url": "http://nowhere.invalid"}, "mattermost.name", "mattermost.url"),
        ({"mattermost__url": "http://git.taaf.internal"}, "mattermost.stranger", "mattermost.url"),
        ({"mattermost__token": "wrongtoken"}, "mattermost.token", "mattermost.token"),
        ({"gitlab__url": "http://git.taaf.internal:81"}, "gitlab.port", "gitlab.url"),
        ({"gitlab__token": "wrongtoken"}, "gitlab.token", "gitlab.token"),
        ({"gitlab__project": "root/nowhere"}, "gitlab.project", "make deploy"),
        ({"gitlab__read_token": "wrongtoken"}, "gitlab.read-token", "gitlab.read_token"),
        ({"nextcloud__url": "http://git.taaf.internal"}, "nextcloud.stranger", "nextcloud.url"),
        ({"nextcloud__data_directory": "/srv"}, "nextcloud.no-volume", "nextcloud.data_directory"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_wrong_setting_is_named(settings: dict[str, Any], code: str, remedy: str) -> None:
    found = doctor(**settings)
    assert (found.first, found.code) == (code, 2), found.output
    # Why there is no connection is reported with what to do about it.
    assert remedy in (found.output if code.startswith("ssh.") else found.remedy)
    assert "wrongtoken" not in found.output


def test_doctor_changes_and_posts_nothing(world: World) -> None:
    """Asked again and again, in sickness and in health."""
    before = posts(world)
    assert doctor().code == 0
    world.machine("systemctl stop passerelle-gitlab.service")
    try:
        assert doctor().first == doctor().first == "relay.stopped"
        # Before the relay starts again, which then takes what GitLab could not deliver.
        assert posts(world) == before
    finally:
        deploy()
    wait_until_sound()
    assert deploy().changed == 0


def posts(world: World) -> list[str]:
    """All that was posted in the channels."""
    return [post["id"] for name in ("dev-notifications", "rh-alerts") for post in world.chat.posts(name)]


def test_commands_on_the_host_fail_with_a_word_about_the_doctor(world: World) -> None:
    """For cron, with the little environment that cron gives."""
    run = f"cd / && env -i PATH=/usr/bin:/bin {INFRASTRUCTURE}/scripts/{{}} 2>&1; echo rc=$?"
    for command in ("status.sh", "test-integrations.sh"):
        assert "rc=0" in world.machine(run.format(command))
    world.machine("systemctl stop passerelle-nextcloud.path passerelle-nextcloud.service")
    try:
        for command in ("status.sh", "test-integrations.sh"):
            output = world.machine(run.format(command))
            assert "rc=1" in output
            assert "passerelle doctor (ou make doctor)" in output
    finally:
        deploy()
