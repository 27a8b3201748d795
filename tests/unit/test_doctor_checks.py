"""Each fault that the doctor knows, made on stand-ins or in what the host reports: it is named, and nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

import pytest
from pydantic import SecretStr

from tasks.doctor.chain import Behind, Verdict, broken, noted, unreached
from tasks.doctor.deliveries import meaning
from tasks.doctor.diagnosis import CHAIN
from tasks.doctor.gitlab import allows
from tasks.doctor.look import at
from tasks.doctor.report import lines
from tasks.doctor.wording import CATALOGUES
from tasks.operations.compose import ALL_IN_ONE, Container, DockerError, Project
from tests import tls
from tests.standins import nextcloud_site
from tests.standins.gitlab_site import READ_TOKEN, TOKEN
from tests.unit.doctor_world import CONTAINERS, FINGERPRINT, RELAY, World, sound
from tests.waiting import wait_until

Change = Callable[[World], World]
Deed = Callable[[World], object]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with sound(tmp_path_factory.mktemp("site")) as made:
        yield made


def host(*path: str, to: Any) -> Change:
    return lambda world: world.changed(*path, to=to)


def docker(*found: Container) -> Change:
    return lambda world: replace(world, containers=list(found))


def no_docker(reason: str, reported: str = "") -> Change:
    return lambda world: replace(world, containers=[], docker=DockerError("", reason, reported))


def unit(name: str, **values: str) -> Change:
    def change(world: World) -> World:
        return world.changed("units", name, to={**world.host["units"][name], **values})

    return change


def page(application: str, **values: Any) -> Change:
    def change(world: World) -> World:
        return world.changed("web", application, to={**world.host["web"][application], **values})

    return change


def setting(section: str, **values: Any) -> Change:
    return lambda world: world.setting(section, **values)


def figures(**values: Any) -> Change:
    def change(world: World) -> World:
        return world.changed("health", "figures", to={**world.host["health"]["figures"], **values})

    return change


def status(**values: Any) -> Change:
    """The Nextcloud relay says so of itself."""

    def change(world: World) -> World:
        return world.changed("status", to={**world.host["status"], **values})

    return change


def tree(**values: Any) -> Change:
    """It says so of its tree."""
    return status(sources={"/run/passerelle/Documents_RH": values})


def reach(code: int, why: str = "", body: str = "") -> Change:
    return host("reach", to={"code": code, "said": why, "why": why, "body": body})


def looping(**values: str) -> Change:
    return unit(GITLAB, ActiveState="activating", SubState="auto-restart", NRestarts="7", **values)


GITLAB, NEXTCLOUD = "passerelle-gitlab.service", "passerelle-nextcloud.service"
HOOK = "GITLAB_WEBHOOK_URL"


def channel_of_hr(**wanted: Any) -> Change:
    """The site wants more of its HR channel than there is."""

    def change(world: World) -> World:
        hook = world.site.mattermost.nextcloud_webhook.model_copy(update=wanted)
        return world.setting("mattermost", nextcloud_webhook=hook)

    return change


# What is seen, and the one finding that it must bring.
SEEN: dict[str, Change] = {
    "mattermost.channel-public": channel_of_hr(private=True),
    "mattermost.member-missing": channel_of_hr(members=["admin", "nobody"]),
    "docker.missing": no_docker("missing"),
    "docker.folder": no_docker("folder"),
    "docker.silent": no_docker("silent", "Cannot connect to the Docker daemon"),
    "docker.projects": no_docker("projects", "a, b"),
    "docker.engine": no_docker("engine", "podman version 4.3.1"),
    "docker.snap": docker(
        CONTAINERS[0], CONTAINERS[2], Container("", state="snap", service="nextcloud", number=1_000_000)
    ),
    "docker.all-in-one": setting("nextcloud", service=ALL_IN_ONE),
    "host.proxy": page("gitlab", proxy="Tunnel connection failed: 403 Forbidden"),
    "docker.files": host("compose", to={"plugin": True, "code": 15, "said": "yaml: line 3: did not find"}),
    "docker.plugin": host("compose", to={"plugin": False, "code": 1, "said": "unknown flag: --quiet"}),
    "docker.service-missing": setting("gitlab", service="forge"),
    "docker.project": docker(
        *CONTAINERS[1:], replace(CONTAINERS[0], here=False, project=Project("x", "/srv/x"))
    ),
    "docker.stopped": docker(
        *CONTAINERS[:2],
        Container("x", service="chat", image="mattermost/mattermost-team-edition:11", state="exited"),
    ),
    "docker.paused": docker(replace(CONTAINERS[0], state="paused"), *CONTAINERS[1:]),
    "docker.restarting": docker(replace(CONTAINERS[0], state="restarting"), *CONTAINERS[1:]),
    "host.systemd": host(
        "ready", "systemd", to={"version": "", "said": "System has not been booted with systemd"}
    ),
    "host.systemd-old": host("ready", "systemd", "version", to="241-7"),
    "host.read-only": host("ready", "places", "/opt/passerelle", "readonly", to=True),
    "host.noexec": host("ready", "places", "/opt/passerelle", "noexec", to=True),
    "host.disk": host("disk", "/", to=[1_000_000, 100_000_000_000, 1_000_000]),
    "host.inodes": host("disk", "/", to=[50_000_000_000, 100_000_000_000, 12]),
    "host.inotify": host("limits", "max_user_watches", to=2),
    "mattermost.name": page("mattermost", name="Name or service not known"),
    "mattermost.port": page("mattermost", port="Connection refused", refused=True),
    "mattermost.blocked": page("mattermost", port="No route to host"),
    "mattermost.redirect": page("mattermost", status=302, location="https://other/", body=""),
    "mattermost.gateway": page("mattermost", status=502, body="<html>Bad Gateway"),
    "mattermost.silent": page("mattermost", silent="timed out"),
    "mattermost.stranger": page("mattermost", body="<html>"),
    "mattermost.database": page("mattermost", body='{"status": "UNHEALTHY", "database_status": "UNHEALTHY"}'),
    "mattermost.files": page("mattermost", body='{"status": "OK", "filestore_status": "UNHEALTHY"}'),
    "mattermost.unhealthy": page("mattermost", body='{"status": "UNHEALTHY"}'),
    "mattermost.token": setting("mattermost", token=SecretStr("wrongtoken")),
    "mattermost.team-missing": setting("mattermost", team="nowhere"),
    "tls.expired": page("mattermost", tls=[10, "CERTIFICATE_VERIFY_FAILED", "certificate has expired"]),
    "tls.early": page("nextcloud", tls=[9, "CERTIFICATE_VERIFY_FAILED", "certificate is not yet valid"]),
    "tls.name": page("gitlab", tls=[62, "CERTIFICATE_VERIFY_FAILED", "Hostname mismatch"]),
    "tls.self-signed": page("mattermost", tls=[18, "CERTIFICATE_VERIFY_FAILED", "self-signed certificate"]),
    "tls.authority": page("gitlab", tls=[20, "CERTIFICATE_VERIFY_FAILED", "unable to get local issuer"]),
    "tls.certificate": page(
        "mattermost", tls=[66, "CERTIFICATE_VERIFY_FAILED", "EE certificate key too weak"]
    ),
    "tls.plain": page("gitlab", tls=[0, "WRONG_VERSION_NUMBER", ""]),
    "tls.https": page("nextcloud", status=400, body="Client sent an HTTP request to an HTTPS server.\n"),
    "tls.version": page("mattermost", tls=[0, "TLSV1_ALERT_PROTOCOL_VERSION", ""]),
    "tls.unknown-name": page("mattermost", tls=[0, "TLSV1_UNRECOGNIZED_NAME", ""]),
    "tls.broken-off": page("mattermost", tls=[0, "UNEXPECTED_EOF_WHILE_READING", ""]),
    "webhooks.missing": host("access", to=None),
    "webhooks.access": host("access", to="644"),
    "webhooks.incomplete": host("webhooks", to={HOOK: {"digest": "", "answer": 404, "error": ""}}),
    "webhooks.unknown": host("webhooks", HOOK, "answer", to=400),
    "webhooks.off": host("webhooks", HOOK, "answer", to=501),
    "webhooks.stranger": host("webhooks", HOOK, to={"digest": "", "answer": 0, "error": "TLS"}),
    "webhooks.other": host("webhooks", HOOK, "digest", to="other"),
    "relay.release": host("release", to=False),
    "relay.unit-missing": unit("passerelle-gitlab.socket", UnitFileState=""),
    "relay.port-taken": host("ready", "holder", to="nginx (pid 7)"),
    "relay.port-other": unit("passerelle-gitlab.socket", Listen="[::]:8091 (Stream)"),
    "relay.oom-kill": looping(Result="oom-kill"),
    "relay.watchdog": looping(Result="watchdog"),
    "relay.credentials": looping(Result="exit-code", ExecMainStatus="243"),
    "relay.namespace": looping(Result="exit-code", ExecMainStatus="226"),
    "relay.loop": unit(GITLAB, ActiveState="activating", SubState="auto-restart", NRestarts="7"),
    "relay.stopped": unit(GITLAB, ActiveState="inactive"),
    "relay.trigger": unit("passerelle-nextcloud.path", ActiveState="failed"),
    "relay.disabled": unit(NEXTCLOUD, UnitFileState="disabled"),
    "relay.spool": lambda w: figures(backlog=None, status="failing")(
        w.setting("relays", spool=SecretStr("postgresql://a/b"))
    ),
    "relay.storage": figures(backlog=None, status="failing"),
    "relay.backlog": figures(backlog=3, oldest_age_seconds=90.5),
    "relay.held": figures(status="degraded", held={"ops": "HTTP 404"}),
    "relay.held-direct": figures(status="degraded", held={"@": "HTTP 403: the bot may not post there"}),
    "relay.parked": figures(parked=2),
    "gitlab-relay.dead-letters": figures(dead_letters=1),
    "gitlab-relay.silent": host("health", to={"error": "Connection refused", "figures": {}}),
    "gitlab-relay.failing": figures(status="failing"),
    "gitlab.name": page("gitlab", name="Name or service not known"),
    "gitlab.port": page("gitlab", port="Connection refused", refused=True),
    "gitlab.blocked": page("gitlab", port="No route to host"),
    "gitlab.redirect": page("gitlab", status=302, location="https://other/", body=""),
    "gitlab.gateway": page("gitlab", status=502, body="<html>Bad Gateway"),
    "gitlab.silent": page("gitlab", silent="timed out"),
    "gitlab.stranger": page("gitlab", status=404, body="<html>"),
    "gitlab.token": setting("gitlab", token=SecretStr("wrongtoken")),
    "gitlab.scope": setting("gitlab", token=SecretStr(READ_TOKEN)),
    "gitlab.clock": page("gitlab", date=formatdate(timedelta(days=9000).total_seconds(), usegmt=True)),
    "gitlab.reach-refused": reach(7, "* connect to 10.0.0.5 port 8090 failed: Connection refused"),
    "gitlab.reach-rejected": reach(7, "* connect to 10.0.0.5 port 8090 failed: No route to host"),
    "gitlab.reach-timeout": reach(28, "timed out"),
    "gitlab.reach-name": reach(6, "Could not resolve"),
    "gitlab.reach": reach(56, "Recv failure: Connection reset by peer"),
    "gitlab.reach-other": reach(0, body="<html>"),
    "gitlab.project": setting("gitlab", project="root/other"),
    "gitlab.read-token": setting("gitlab", read_token=SecretStr("wrongtoken")),
    "gitlab.write-token": setting("gitlab", write_token=SecretStr("wrongtoken")),
    "gitlab.write-scope": setting("gitlab", write_token=SecretStr(READ_TOKEN)),
    "nextcloud.name": page("nextcloud", name="Name or service not known"),
    "nextcloud.port": page("nextcloud", port="Connection refused", refused=True),
    "nextcloud.blocked": page("nextcloud", port="No route to host"),
    "nextcloud.redirect": page("nextcloud", status=302, location="https://other/", body=""),
    "nextcloud.gateway": page("nextcloud", status=502, body="<html>Bad Gateway"),
    "nextcloud.silent": page("nextcloud", silent="timed out"),
    "nextcloud.stranger": page("nextcloud", body="<html>"),
    "nextcloud.untrusted": page(
        "nextcloud", status=400, body='{"error": "Trusted domain error.", "code": 15}'
    ),
    "nextcloud.not-installed": page("nextcloud", body='{"installed": false}'),
    "nextcloud.maintenance": page("nextcloud", body='{"installed": true, "maintenance": true}'),
    "nextcloud.remote": host("tree", "type", to="nfs4"),
    "nextcloud.no-files": host("tree", to={"files": False, "there": False}),
    "nextcloud.tree-missing": host("tree", to={"files": True, "there": False}),
    "nextcloud.folder-missing": host("tree", "access", "Contrats", to=None),
    "nextcloud.access": host("tree", "access", "Contrats", to=["755", 0]),
    "nextcloud-relay.bound": host("bound", to=False),
    "nextcloud-relay.waiting": tree(state="missing", documents=None),
    "nextcloud-relay.documents": tree(state="watched", documents=2),
    "nextcloud-relay.presses": host("deaf", to="Connection refused"),
}


def test_nothing_is_found_where_nothing_is_broken(world: World) -> None:
    found = [verdict for verdict in world.verdicts() if verdict.finding is not None]
    assert found == [Verdict("gitlab.push-limit", noted("gitlab.push-limit", limit=3))]


@pytest.mark.parametrize(
    ("days", "told"), [(1, True), (29, True), (30, True), (31, False), (365, False), (None, False)]
)
@pytest.mark.parametrize("setting", ["gitlab.token", "gitlab.read_token", "gitlab.write_token"])
def test_a_token_that_is_about_to_expire_is_noted(
    world: World, setting: str, days: int | None, told: bool
) -> None:
    until = None if days is None else str(datetime.now(UTC).date() + timedelta(days=days))
    body = {"name": "x", "scopes": ["api"], **({"expires_at": until} if until else {})}
    token = SecretStr(world.forge.done("POST", "/users/1/personal_access_tokens", **body)["token"])
    changed = world.setting("gitlab", **{setting.partition(".")[2]: token})
    found = [each.finding for each in changed.verdicts() if each.link == "gitlab.expiry"]
    assert found == [noted("gitlab.expiry", setting=setting, until=until) if told else None]


# What GitLab says of the role of the token's account in the project, and whether that is enough.
ROLES: dict[str, tuple[Any, bool]] = {
    "developer of the project": ({"project_access": {"access_level": 30}, "group_access": None}, True),
    "developer of the group": (
        {"project_access": {"access_level": 10}, "group_access": {"access_level": 30}},
        True,
    ),
    "reporter": ({"project_access": {"access_level": 20}, "group_access": None}, False),
    "administrator, who is no member": ({"project_access": None, "group_access": None}, True),
    "not said": (None, True),
}


@pytest.mark.parametrize("name", ROLES)
def test_the_role_of_the_token_to_act_with_is_judged(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    permissions, enough = ROLES[name]
    changed = world.setting("gitlab", write_token=SecretStr(TOKEN))
    project = {"scopes": ["api"], "permissions": permissions}
    writer = SimpleNamespace(call=lambda *asked, **more: project)
    monkeypatch.setattr(
        World, "look", lambda self, look=World.look: replace(look(self), writer=lambda: writer)
    )
    found = [each.finding for each in changed.verdicts() if each.link == "gitlab.write-token"]
    assert found == [None if enough else broken("gitlab.write-role", project="root/projet")]


def test_whoever_is_nobody_in_mattermost_is_named(world: World) -> None:
    missing = {"count": 2, "names": ["eve", "mallory"]}
    changed = host("gitlab_status", to={"sources": {"people": missing}})(world)
    found = [verdict for verdict in changed.verdicts() if verdict.link == "gitlab-relay.people"]
    assert found == [
        Verdict("gitlab-relay.people", noted("gitlab-relay.people", count=2, names="eve, mallory"))
    ]


@pytest.mark.parametrize(
    ("on_the_page", "in_the_status", "named"),
    [
        ({"id:r1": "HTTP 403"}, {"salon": "HTTP 403"}, "salon"),
        ({"id:r1": "HTTP 403"}, {}, "id:r1"),  # since the status was written
        ({"id:r1": "HTTP 403"}, None, "id:r1"),
    ],
)
def test_a_channel_that_has_subscribed_is_named(
    world: World, on_the_page: dict[str, str], in_the_status: dict[str, str] | None, named: str
) -> None:
    """The page, which anybody can read, has but its number."""
    says = world.host["gitlab_status"] if in_the_status is None else {"held": in_the_status}
    changed = host("gitlab_status", to=says)(figures(status="degraded", held=on_the_page)(world))
    found = [verdict.finding for verdict in changed.verdicts() if verdict.link == "gitlab-relay.backlog"]
    assert found == [broken("relay.held", relay="passerelle-gitlab", channel=named, detail="HTTP 403")]


@pytest.mark.parametrize("code", SEEN)
def test_what_is_seen_is_named(world: World, code: str) -> None:
    assert SEEN[code](world).found() == [code]


@pytest.mark.parametrize(
    ("user", "password", "codes"),
    [
        (nextcloud_site.ADMIN, nextcloud_site.PASSWORD, []),
        (nextcloud_site.ADMIN, "wrong", ["nextcloud.account"]),
    ],
)
def test_the_account_of_the_relay_is_tried(world: World, user: str, password: str, codes: list[str]) -> None:
    with nextcloud_site.running() as cloud:
        change = setting("nextcloud", url=cloud.url, admin=user, relay_password=SecretStr(password))
        assert change(world).found() == codes


def test_a_page_that_is_no_nextcloud_is_reported_as_such(world: World) -> None:
    """To this machine, while the host finds one."""
    change = setting("nextcloud", url=world.chat.url, relay_password=SecretStr("x"))
    assert change(world).found() == ["nextcloud.api"]


def test_tls_of_this_machines_own_calls_is_reported_as_such(world: World) -> None:
    """The host trusts the server, and this machine does not."""
    front = tls.Front(int(world.chat.url.rpartition(":")[2]))
    try:
        first = setting("mattermost", url=front.url)(world).broken()[0]
    finally:
        front.close()
    assert first == broken("tls.authority", url=front.url, setting="mattermost.url", detail=ANY)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (unit(GITLAB, ActiveState="active", NRestarts="4", uptime="3"), "relay.loop"),
        (status(status="failing", backlog=None), "relay.storage"),
        (status(status="failing", backlog=3, oldest_age_seconds=90.0), "relay.storage"),
        (status(backlog=4, oldest_age_seconds=180.0), "relay.backlog"),
        (status(parked=1), "relay.parked"),
        (
            status(status="degraded", backlog=4, oldest_age_seconds=3.0, held={"rh-alerts": "HTTP 404"}),
            "relay.held",
        ),
    ],
)
def test_relays_are_seen_through(world: World, change: Change, code: str) -> None:
    assert change(world).found() == [code]


@pytest.mark.parametrize(
    "change",
    [
        status(backlog=4, oldest_age_seconds=5.0),
        host("status", to={}),  # it has just started
        tree(state="unreachable", documents=0),
        figures(backlog=3, oldest_age_seconds=5.0),
        unit(GITLAB, NRestarts="4", uptime="3600"),
        host("tree", "access", to={"": ["755", 33], "Contrats": ["755", 33]}),
        # A large disk is not full at a hundredth, and some file systems know no number of files.
        host("disk", "/", to=[40_000_000_000, 4_000_000_000_000, None]),
        host("ready", "places", to={"/etc/passerelle": {"at": "/etc", "readonly": False, "noexec": True}}),
        page("gitlab", status=403, body="Forbidden"),
        page("nextcloud", status=503, body='{"installed": true, "maintenance": false}'),
        docker(*CONTAINERS, replace(CONTAINERS[0], state="created", number=2)),
        docker(*CONTAINERS, replace(CONTAINERS[0], state="exited", here=False)),
    ],
)
def test_what_is_usual_is_no_fault(world: World, change: Change) -> None:
    assert change(world).found() == []


def limit_pushes(world: World, most: int) -> None:
    """How many branches or tags a push may change before GitLab fires no hook for it."""
    world.forge.done("PUT", "/application/settings", push_event_hooks_limit=most)


# What somebody does to a server, how it is undone, and what must be found meanwhile.
DONE: dict[str, tuple[Deed, Deed, list[str]]] = {
    "setting": (
        lambda w: w.switch("EnablePostIconOverride", False),
        lambda w: w.switch("EnablePostIconOverride", True),
        ["mattermost.setting"],
    ),
    "allow-list": (lambda w: w.forge.allow(), lambda w: w.forge.allow(RELAY), ["gitlab.allow-list"]),
    "no events of pushes": (
        lambda w: limit_pushes(w, 0),
        lambda w: limit_pushes(w, 3),
        ["gitlab.push-limit"],
    ),
    "triggers": (
        lambda w: w.alter_hook(issues_events=False),
        lambda w: w.alter_hook(issues_events=True),
        ["gitlab.hook-triggers"],
    ),
    "secret": (
        lambda w: w.alter_hook(token=""),
        lambda w: w.alter_hook(token="t" * 20),
        ["gitlab.hook-secret-missing"],
    ),
    "fingerprint": (
        lambda w: w.alter_hook(description="?"),
        lambda w: w.alter_hook(description=f"Passerelle, secrets {FINGERPRINT}"),
        ["gitlab.hook-secrets"],
    ),
}


@pytest.mark.parametrize("deed", DONE)
def test_what_is_done_to_a_server_is_named(world: World, deed: str) -> None:
    act, undo, codes = DONE[deed]
    act(world)
    try:
        assert world.found() == codes
    finally:
        undo(world)
    assert world.found() == []


def archive_channel(world: World) -> None:
    world.chat.api("DELETE", f"/channels/{world.channel('rh')}")


def move_webhook(world: World) -> None:
    hooks = world.chat.api("GET", "/hooks/incoming?per_page=200")
    hook = next(hook for hook in hooks if hook["display_name"] == "Nextcloud")
    locked = {"channel_locked": False, "channel_id": world.channel("dev")}
    world.chat.api("PUT", f"/hooks/incoming/{hook['id']}", {**hook, **locked})


def hooks_of(world: World) -> str:
    return f"{at(world.site.gitlab.project).removeprefix('/api/v4')}/hooks"


def open_issue(world: World) -> None:
    """An event for a relay that nobody runs here."""
    world.forge.done("POST", hooks_of(world).replace("/hooks", "/issues"), title="x")
    log = f"{hooks_of(world)}/{world.hook()['id']}/events"
    wait_until("the delivery is logged", lambda: world.forge.done("GET", log))


# What is not undone.
FOR_GOOD: dict[str, tuple[Deed, str]] = {
    "team": (lambda w: w.chat.api("DELETE", f"/teams/{w.team()}"), "mattermost.team-archived"),
    "channel": (archive_channel, "mattermost.channel-archived"),
    "webhook moved": (move_webhook, "webhooks.channel"),
    "hook gone": (
        lambda w: w.forge.done("DELETE", f"{hooks_of(w)}/{w.hook()['id']}"),
        "gitlab.hook-missing",
    ),
    "second hook": (
        lambda w: w.forge.done("POST", hooks_of(w), url=f"http://{RELAY}/webhook/gitlab"),
        "gitlab.hook-twice",
    ),
    "hook moved": (lambda w: w.alter_hook(url="http://203.0.113.7/"), "gitlab.hook-address"),
    "delivery": (open_issue, "delivery.unanswered"),
}


@pytest.mark.parametrize("deed", FOR_GOOD)
def test_what_is_done_for_good_is_named(tmp_path: Path, deed: str) -> None:
    act, code = FOR_GOOD[deed]
    with sound(tmp_path) as world:
        act(world)
        assert world.found() == [code]


def test_a_delivery_from_before_the_start_of_the_relay_is_history(tmp_path: Path) -> None:
    with sound(tmp_path) as world:
        open_issue(world)
        assert unit(GITLAB, uptime="-5")(world).found() == []


def test_a_variable_that_beats_a_setting_is_named(tmp_path: Path) -> None:
    with sound(tmp_path, MM_SERVICESETTINGS_ENABLECOMMANDS="false") as world:
        assert world.found() == ["mattermost.variable"]
        assert "MM_SERVICESETTINGS_ENABLECOMMANDS à true" in reported(world)


@pytest.mark.parametrize(
    ("answer", "seconds", "code"),
    [
        ("401", 0.1, "delivery.secret"),
        ("403", 0.1, "delivery.clock"),
        ("404", 0.1, "delivery.address"),
        ("408", 20, "delivery.slow"),
        ("413", 0.1, "delivery.large"),
        ("503", 0.1, "delivery.storage"),
        ("502", 0.1, "delivery.other"),
        ("internal error", 10.01, "delivery.timeout"),
        ("internal error", 0.01, "delivery.unanswered"),
    ],
)
def test_a_delivery_that_failed_is_explained(answer: str, seconds: float, code: str) -> None:
    entry = {"response_status": answer, "execution_duration": seconds, "trigger": "push_hooks"}
    found = meaning(entry, datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    assert found.code == code
    assert "02/01/2026 03:04" in CATALOGUES["fr"].broken[code].why.format(project="a/b", **found.values)


def test_a_load_balancer_may_be_what_answers() -> None:
    entry = {"response_status": "503", "execution_duration": 0.1, "trigger": "push_hooks"}
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert meaning(entry, moment, balanced=True).code == "delivery.balancer"
    assert meaning({**entry, "response_status": "401"}, moment, balanced=True).code == "delivery.secret"


@pytest.mark.parametrize(
    ("entry", "covered"),
    [
        ("10.0.0.5:8090", True),
        ("10.0.0.5", True),
        ("10.0.0.0/24", True),
        ("10.0.0.5:80", False),
        ("10.0.1.0/24", False),
        ("relay.example.org", False),
    ],
)
def test_entries_of_the_allow_list(entry: str, covered: bool) -> None:
    assert allows([entry], "10.0.0.5:8090") is covered


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (page("gitlab", date=""), "gitlab.no-date"),
        (reach(127, "executable file not found"), "gitlab.no-curl"),
    ],
)
def test_what_cannot_be_judged_is_no_fault(world: World, change: Change, code: str) -> None:
    changed = change(world)
    assert (changed.found(), changed.unclear()) == ([], [code])


def test_what_lies_behind_a_broken_link_is_not_judged(world: World) -> None:
    """One cause, one remedy: with Mattermost away nothing is said of its channels, and the relay is judged."""
    verdicts = {
        v.link: v.finding
        for v in page("mattermost", port="Connection refused", refused=True)(world).verdicts()
    }
    for link in ("mattermost.token", "mattermost.channels", "webhooks.known", "webhooks.target"):
        assert verdicts[link] == Behind("mattermost.port")
    assert verdicts["gitlab-relay.unit"] is None


def reported(world: World, language: str = "fr") -> str:
    return "\n".join(lines(world.verdicts(), CATALOGUES[language]))


def test_cause_remedy_and_what_lies_behind_are_reported(world: World) -> None:
    broken_world = host("access", to=None)(page("nextcloud", body='{"installed": false}')(world))
    *found, behind, last = reported(broken_world).splitlines()
    assert found == [
        "❌ Maillon rompu : URLs de webhooks enregistrées [webhooks.missing]",
        "   Constat : /srv/infrastructure/scripts/.webhooks.conf n'existe pas",
        "   Remède  : relancez le déploiement : make deploy",
        "❌ Rompu aussi : état de Nextcloud [nextcloud.not-installed]",
        "   Constat : Nextcloud n'est pas installé",
        "   Remède  : ouvrez http://cloud.invalid et terminez l'installation, puis make deploy",
    ]
    assert behind.startswith(
        "❔ Non examinés à cause de « URLs de webhooks enregistrées » : webhooks entrants"
    )
    assert "service du relais Nextcloud" in behind
    assert last == "❔ Non examinés à cause de « état de Nextcloud » : compte du relais dans Nextcloud."
    assert "Broken link: saved webhook URLs" in reported(broken_world, "en")


def test_of_a_sound_site_nothing_is_reported_but_a_limit(world: World) -> None:
    sound, limit = reported(world).splitlines()
    assert sound == f"✅ {len(CHAIN)} maillons examinés, aucun n'est rompu."
    assert limit.startswith("💡 événements des push : d'un push qui change plus de 3 branches ou tags")
    assert "push_event_hooks_limit" in limit
    assert "more than 3 branches or tags at once" in reported(world, "en")


def test_a_limit_that_somebody_else_set_is_reported_as_it_is(world: World) -> None:
    limit_pushes(world, 50)
    try:
        assert "plus de 50 branches" in reported(world)
    finally:
        limit_pushes(world, 3)


def test_without_the_host_nothing_can_be_judged() -> None:
    finding = broken("ssh.unreachable", detail="timeout")
    first, *others = unreached(CHAIN, finding)
    assert first.finding is finding
    assert all(verdict.finding == Behind("ssh") for verdict in others)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_fault_of_a_further_project_names_it(world: World, language: str) -> None:
    """The first project is sound; what is wrong with another one must not look like the first one's."""
    reported = world.setting("gitlab", projects=["root/annexe", "root/nowhere"]).verdicts()
    first = next(lines(reported, CATALOGUES[language]))
    assert "gitlab.project" in first
    assert any("root/nowhere" in line for line in lines(reported, CATALOGUES[language]))
