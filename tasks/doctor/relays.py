"""Links at the two relays: their release, their units, and what they say of their own work."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from tasks.context import DOCUMENTS_SOCKET
from tasks.doctor.chain import Broken, Links, Noted, broken, noted, on_disk
from tasks.doctor.look import GITLAB_RELAY, NEXTCLOUD_RELAY, Look
from tasks.relay_settings import bound_at

_LATE_SECONDS = 60
_YOUNG_SECONDS = 30
_RESTARTS = 3

release_links = Links()


@release_links.add("relay.release", "ssh")
def release(look: Look) -> Broken | None:
    """The package that both relays run is installed whole."""
    return None if look.host["release"] else broken("relay.release")


# What a process has ended with before it could say anything, as systemd says it (systemd.exec(5)).
_CREDENTIALS, _NAMESPACE = "243", "226"


def _unit(relay: str, trigger: str, look: Look) -> Broken | None:
    """The service runs and stays running, and it and what starts it come with the next boot."""
    service = f"{relay}.service"
    for unit in (service, trigger):
        if look.host["units"][unit].get("UnitFileState", "") in ("", "bad", "masked"):
            return broken("relay.unit-missing", unit=unit)
    if found := _port(relay, look) if trigger.endswith(".socket") else None:
        return found
    found, line = look.host["units"][service], look.host["journal"][service]
    restarts = int(found.get("NRestarts") or 0)
    state = found["ActiveState"]
    young = int(found["uptime"]) < _YOUNG_SECONDS
    if (state == "activating" and (found["SubState"] == "auto-restart" or restarts)) or (
        state == "active" and restarts >= _RESTARTS and young
    ):
        return broken(_loop(found), unit=service, restarts=restarts, line=line)
    if state != "active":
        return broken("relay.stopped", unit=service, state=state, line=line)
    if look.host["units"][trigger]["ActiveState"] != "active":
        return broken("relay.trigger", unit=trigger, state=look.host["units"][trigger]["ActiveState"])
    for unit in (service, trigger):
        if look.host["units"][unit]["UnitFileState"] != "enabled":
            return broken("relay.disabled", unit=unit, state=look.host["units"][unit]["UnitFileState"])
    return None


def _port(relay: str, look: Look) -> Broken | None:
    """The port is the relay's, and the one that the settings name."""
    port, socket = look.site.relays.port, look.host["units"][f"{relay}.socket"]
    if look.ready["holder"]:
        return broken("relay.port-taken", port=port, holder=look.ready["holder"])
    listens = re.search(r":(\d+) ", f"{socket.get('Listen', '')} ")
    if listens and int(listens[1]) != port:
        return broken("relay.port-other", port=port, other=listens[1])
    return None


def _loop(unit: dict[str, str]) -> str:
    """Why a service starts again and again, as far as systemd knows."""
    if unit.get("Result") in ("oom-kill", "watchdog"):
        return f"relay.{unit['Result']}"
    if unit.get("ExecMainStatus") == _CREDENTIALS:
        return "relay.credentials"
    return "relay.namespace" if unit.get("ExecMainStatus") == _NAMESPACE else "relay.loop"


gitlab_links = Links()
gitlab_links.add("gitlab-relay.unit", "relay.release", "webhooks.saved")(
    partial(_unit, GITLAB_RELAY, f"{GITLAB_RELAY}.socket")
)


@gitlab_links.add("gitlab-relay.health", "gitlab-relay.unit")
def health(look: Look) -> Broken | None:
    """The relay answers on its port, stores and delivers."""
    answer, port = look.host["health"], look.site.relays.port
    if answer["error"] or "status" not in answer["figures"]:
        return broken("gitlab-relay.silent", port=port, detail=answer["error"] or "?")
    figures, line = answer["figures"], look.host["journal"][f"{GITLAB_RELAY}.service"]
    if figures["backlog"] is None:
        return broken(
            "relay.spool" if look.site.relays.spool else "relay.storage", relay=GITLAB_RELAY, line=line
        )
    if figures["status"] == "failing":
        return broken("gitlab-relay.failing", line=line)
    return None


@gitlab_links.add("gitlab-relay.backlog", "gitlab-relay.health", "webhooks.known", "bot.member", "bot.token")
def backlog(look: Look) -> Broken | None:
    """What it holds goes out."""
    figures = look.host["health"]["figures"]
    # By names where the relay says them to operators; its page is for everybody.
    held = look.host["gitlab_status"].get("held") or figures.get("held", {})
    return _late(GITLAB_RELAY, {**figures, "held": held}, look)


@gitlab_links.add("gitlab-relay.parked", "gitlab-relay.health")
def parked(look: Look) -> Broken | None:
    """Mattermost has refused no message for what it is, and each event could be announced."""
    figures = look.host["health"]["figures"]
    if found := _parked("gitlab", figures):
        return found
    count = figures.get("dead_letters")
    return broken("gitlab-relay.dead-letters", count=count) if count else None


@gitlab_links.add("gitlab-relay.people", "gitlab-relay.health")
def people(look: Look) -> Noted | None:
    """Those who were to be written to in person are somebody in Mattermost."""
    missing = look.host["gitlab_status"].get("sources", {}).get("people", {})
    if not missing.get("count"):
        return None
    return noted("gitlab-relay.people", count=missing["count"], names=", ".join(missing["names"]))


nextcloud_links = Links()


@nextcloud_links.add("nextcloud-relay.unit", "relay.release", "webhooks.saved", "nextcloud.tree")
def nextcloud_unit(look: Look) -> Broken | None:
    """The service, and on a disk what waits for its trees."""
    on_a_disk = look.site.nextcloud.source == "disk"
    return _unit(NEXTCLOUD_RELAY, f"{NEXTCLOUD_RELAY}.{'path' if on_a_disk else 'service'}", look)


@nextcloud_links.add("nextcloud-relay.bound", "nextcloud-relay.unit")
@on_disk
def bound(look: Look) -> Broken | None:
    """The service sees the tree itself, not one that has been replaced."""
    return broken("nextcloud-relay.bound", tree=look.tree) if look.host["bound"] is False else None


@nextcloud_links.add("nextcloud-relay.storage", "nextcloud-relay.unit")
def storage(look: Look) -> Broken | None:
    """It stores what it sees."""
    status, line = look.host["status"], look.host["journal"][f"{NEXTCLOUD_RELAY}.service"]
    if _is_unknown(status, "backlog") or status.get("status") == "failing":
        return broken("relay.storage", relay=NEXTCLOUD_RELAY, line=line)
    return None


@nextcloud_links.add("nextcloud-relay.documents", "nextcloud-relay.bound", "nextcloud-relay.storage")
@on_disk
def documents(look: Look) -> Broken | None:
    """It knows the documents that lie there for a while."""
    tree = look.host["status"].get("sources", {}).get(bound_at(look.site, look.site.trees[0]), {})
    if tree.get("state") == "missing":
        return broken("nextcloud-relay.waiting", tree=look.tree)
    there = look.host["tree"]["documents"]
    if tree.get("state") == "watched" and tree["documents"] < there:
        return broken("nextcloud-relay.documents", known=tree["documents"], there=there)
    return None


@nextcloud_links.add(
    "nextcloud-relay.backlog", "nextcloud-relay.storage", "webhooks.known", "bot.member", "bot.token"
)
def late(look: Look) -> Broken | None:
    """What it holds goes out."""
    return _late(NEXTCLOUD_RELAY, look.host["status"], look)


@nextcloud_links.add("nextcloud-relay.presses", "nextcloud-relay.storage")
def presses(look: Look) -> Broken | None:
    """It hears who takes a document, where documents have that button."""
    why = look.host["deaf"]
    return broken("nextcloud-relay.presses", path=DOCUMENTS_SOCKET, detail=why) if why else None


@nextcloud_links.add("nextcloud-relay.parked", "nextcloud-relay.storage")
def refused(look: Look) -> Broken | None:
    """Mattermost has refused no message for what it is."""
    return _parked("nextcloud", look.host["status"])


def _is_unknown(figures: Mapping[str, Any], name: str) -> bool:
    """Whether the relay could not find a figure out; before it says anything, nothing is known of that."""
    return name in figures and figures[name] is None


def _late(relay: str, figures: Mapping[str, Any], look: Look) -> Broken | None:
    for channel, reason in figures.get("held", {}).items():
        if channel == "@":
            return broken("relay.held-direct", relay=relay, detail=reason)
        return broken("relay.held", relay=relay, channel=channel, detail=reason)
    age = figures.get("oldest_age_seconds") or 0
    if age <= _LATE_SECONDS:
        return None
    line = look.host["journal"][f"{relay}.service"]
    return broken("relay.backlog", relay=relay, count=figures["backlog"], age=f"{age:.0f} s", line=line)


def _parked(relay: str, figures: Mapping[str, Any]) -> Broken | None:
    count = figures.get("parked")
    return broken("relay.parked", relay=relay, count=count) if count else None
