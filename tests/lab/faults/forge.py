"""Faults of what the deploy makes in GitLab, and of the secrets that it proves itself with."""

from typing import Any

from tests.acceptance.people import marker
from tests.lab.faults.world import Fault, World, files, nothing, on_host
from tests.waiting import wait_until

SETTINGS = "application/settings"
TOKEN, SIGNING = "/etc/passerelle/gitlab-hook-token", "/etc/passerelle/gitlab-signing-token"
AUTO_DISABLING = "auto_disabling_web_hooks"
ENTRY, HOOK, PROJECT = (
    "outbound allow-list entry",
    "hook Passerelle of root/projet-test-taaf",
    "root/projet-test-taaf",
)
ANOTHER = {TOKEN: "echo another-secret-of-more-than-thirty-characters"}
ANOTHER[SIGNING] = 'echo "whsec_$(head -c 32 /dev/urandom | base64)"'


def _allow(world: World, *entries: str) -> Any:
    return world.forge.api("PUT", SETTINGS, {"outbound_local_requests_allowlist_raw": "\n".join(entries)})


def _allow_another_port(world: World) -> None:
    allowed = world.forge.api("GET", SETTINGS)["outbound_local_requests_whitelist"]
    _allow(world, *[f"{entry.rpartition(':')[0]}:1" for entry in allowed])


def _disallow_another_port(world: World) -> None:
    allowed = world.forge.api("GET", SETTINGS)["outbound_local_requests_whitelist"]
    _allow(world, *[entry for entry in allowed if not entry.endswith(":1")])


def _disable(world: World) -> None:
    """Have four calls fail, of a GitLab that then calls no more."""
    world.forge.api("POST", f"features/{AUTO_DISABLING}", {"value": True})
    world.machine("systemctl stop passerelle-gitlab.socket passerelle-gitlab.service")
    for _ in range(4):
        world.forge.api("POST", "PROJECT/issues", {"title": marker()})
    wait_until("GitLab gives the hook up", lambda: world.hook()["alert_status"] != "executable")


def _secret(row: str, path: str) -> list[Fault]:
    access, made = "600 root root", f"{path}: a random secret ({'600 root root'})"
    return [
        Fault(row, "missing", "gone", on_host(f"rm {path}"), made, "is there", "is missing"),
        Fault(row, "missing", "emptied", on_host(f": > {path}"), made, "is there", "is missing"),
        # What the file should hold is known to the host alone, so it is GitLab's side that has to follow.
        Fault(row, "altered", "replaced", on_host(f"{ANOTHER[path]} > {path}"), f"{HOOK}: description"),
        Fault(
            row,
            "duplicated",
            "another added",
            on_host(f"{ANOTHER[path]} >> {path}"),
            "passerelle-gitlab.service",
            "runs with this one",
            "runs with an older configuration",
        ),
        Fault(row, "owner", "given away", on_host(f"chown ops {path}"), path, access, "600 ops root"),
        Fault(row, "mode", "open to all", on_host(f"chmod 666 {path}"), path, access, "666 root root"),
    ]


FAULTS = [
    Fault(
        "allow-list",
        "missing",
        "emptied",
        lambda w: _allow(w),
        ENTRY,
        "is there",
        "is missing",
    ),
    Fault(
        "allow-list",
        "altered",
        "another port",
        _allow_another_port,
        ENTRY,
        "is there",
        "is missing",
        undo=_disallow_another_port,
    ),
    Fault(
        "project",
        "missing",
        "a new one",
        nothing,
        "project root/new-project with a README",
        "is there",
        "is missing",
        settings=lambda w: {"gitlab__project": "root/new-project"},
        undo=lambda w: w.forge.api("DELETE", "projects/root%2Fnew-project"),
    ),
    Fault(
        "project",
        "disabled",
        "archived",
        lambda w: w.forge.api("POST", "PROJECT/archive"),
        f"project {PROJECT}",
        "active",
        "archived",
    ),
    Fault(
        "hook",
        "missing",
        "deleted",
        lambda w: w.forge.api("DELETE", f"PROJECT/hooks/{w.hook()['id']}"),
        f"{HOOK} to http",
        "is there",
        "is missing",
    ),
    Fault(
        "hook",
        "altered",
        "events unticked",
        lambda w: w.alter_hook(issues_events=False, merge_requests_events=False),
        f"{HOOK}: issues_events",
        "True",
        "False",
    ),
    Fault(
        "hook",
        "altered",
        "led elsewhere, token cleared",
        lambda w: w.alter_hook(url="http://203.0.113.7/other"),
        f"{HOOK}: url",
        "'http://",
        "'http://203.0.113.7/other'",
    ),
    Fault(
        "hook",
        "altered",
        "described otherwise",
        lambda w: w.alter_hook(description="?"),
        f"{HOOK}: description",
        "'Managed with pyinfra, secrets",
        "'?'",
    ),
    Fault(
        "hook",
        "altered",
        "signing token lost",
        lambda w: w.alter_hook(signing_token=""),
        f"{HOOK}: signing_token",
        "set",
        "missing",
    ),
    Fault(
        "hook",
        "disabled",
        "resting after failures",
        _disable,
        f"{HOOK}: alert_status",
        "'executable'",
        "'temporarily_disabled'",
        undo=lambda w: w.forge.api("POST", f"features/{AUTO_DISABLING}", {"value": False}),
    ),
    Fault(
        "hook",
        "duplicated",
        "doubled",
        lambda w: w.forge.api("POST", "PROJECT/hooks", {"url": w.hook()["url"], "name": "Passerelle"}),
        f"{HOOK}: double",
        "is not there",
        "is there",
    ),
    *_secret("secret token of the hook", TOKEN),
    *_secret("signing token of the hook", SIGNING),
    *files("token for the log of deliveries", "/etc/passerelle/gitlab-read-token", "600"),
]
