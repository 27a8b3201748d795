"""Links at GitLab's logs of deliveries: how the newest one ended, and whether the relay may read the logs."""

import time
from datetime import datetime
from typing import Any

from tasks.doctor.chain import Broken, Links, Unclear, broken, of_each_project, unclear
from tasks.doctor.look import GITLAB_RELAY, Look, at
from tasks.operations.api import ApiError

links = Links()

# What the relay answers (relays.sources.gitlab.app).
_MEANINGS = {
    "401": "delivery.secret",
    "403": "delivery.clock",
    "404": "delivery.address",
    "408": "delivery.slow",
    "413": "delivery.large",
    "503": "delivery.storage",
}
# What a load balancer answers that has no relay to hand an event to; of these the relay itself only answers 503.
_BALANCER = ("502", "503", "504")
# GitLab gives up after ten seconds, unless its administrator has set webhook_timeout.
_GIVES_UP_SECONDS = 9.5


@links.add("gitlab.deliveries", "gitlab.hook-secrets", "gitlab.allow-list", "gitlab.reach", "gitlab.clock")
@of_each_project
def deliveries(look: Look, project: str) -> Broken | Unclear | None:
    """The newest delivery arrived; one from before the relay's start is history."""
    path = f"{at(project)}/hooks/{look.hooks[project][0]['id']}/events?per_page=20"
    log = look.gitlab.call("GET", path, absent=("404",))
    if log is None:
        return unclear("delivery.no-log", version=look.version)
    newest = max(log, key=lambda entry: str(entry["created_at"]), default=None)
    if newest is None or str(newest["response_status"]).startswith("2"):
        return None
    moment = datetime.fromisoformat(newest["created_at"])
    started = time.time() - int(look.host["units"][f"{GITLAB_RELAY}.service"]["uptime"])
    return None if moment.timestamp() < started else meaning(newest, moment, look.site.relays.hosts != [])


def meaning(entry: dict[str, Any], moment: datetime, balanced: bool = False) -> Broken:
    """What an entry says; GitLab's API keeps to itself why a delivery got no answer at all.

    `balanced`: a load balancer stands before the relays.
    """
    status = str(entry["response_status"])
    values = {"at": f"{moment:%d/%m/%Y %H:%M}", "trigger": entry["trigger"], "status": status}
    if balanced and status in _BALANCER:
        return broken("delivery.balancer", **values)
    if status in _MEANINGS:
        return broken(_MEANINGS[status], **values)
    if status.isdecimal():
        return broken("delivery.other", **values)
    slow = float(entry.get("execution_duration") or 0) >= _GIVES_UP_SECONDS
    return broken("delivery.timeout" if slow else "delivery.unanswered", **values)


@links.add("gitlab.read-token", "gitlab.hook")
@of_each_project
def read_token(look: Look, project: str) -> Broken | None:
    """The relay's token, if there is one, may read the log."""
    if look.site.gitlab.read_token is None:
        return None
    path = f"{at(project)}/hooks/{look.hooks[project][0]['id']}/events?per_page=1"
    try:
        look.reader().call("GET", path, absent=("404",))
    except ApiError as error:
        if error.status in (401, 403):
            return broken("gitlab.read-token", status=error.status)
        raise
    return None
