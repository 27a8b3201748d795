"""What tests could leave behind in the lab: things that a person would see, or a later deploy come across."""

from collections.abc import Callable

from tests.acceptance.people import Chat, Forge
from tests.lab.faults.world import TREE

Found = dict[str, set[str]]

_HOST = (
    "ls -d /root/* /etc/passerelle* /run/passerelle /run/passerelle/* /run/passerelle.* /var/lib/passerelle*"
    " /opt/passerelle* /etc/systemd/system/passerelle* /etc/example 2>/dev/null;"
    " find /root/*/scripts ! -type d 2>/dev/null; true"
)


def seen(chat: Chat, forge: Forge, machine: Callable[[str], str]) -> Found:
    """All of it, by kind; messages, issues and documents come and go."""
    teams = {team["name"]: team["id"] for team in chat.api("GET", "/users/me/teams") if not team["delete_at"]}
    projects = [each["path_with_namespace"] for each in forge.api("GET", "projects?per_page=100")]
    return {
        "teams": set(teams),
        "channels": {
            f"{team}/{channel['name']}"
            for team, identity in teams.items()
            for channel in chat.api("GET", f"/teams/{identity}/channels?per_page=200")
        },
        "webhooks": {
            f"{hook['team_id']} {hook['display_name']}"
            for hook in chat.api("GET", "/hooks/incoming?per_page=200")
        },
        "projects": set(projects),
        "hooks": {f"{project} {hook['name']}" for project in projects for hook in forge.hooks(project)},
        "allow-list": set(forge.api("GET", "application/settings")["outbound_local_requests_whitelist"]),
        "folders": set(machine(f"ls {TREE}/.. {TREE}").split()),
        "host": set(machine(_HOST).split()),
    }


def left(before: Found, after: Found) -> list[str]:
    """What is there that was not, and the other way round."""
    return [
        f"{sign} {kind}: {each}"
        for kind in before
        for sign, difference in (("+", after[kind] - before[kind]), ("-", before[kind] - after[kind]))
        for each in sorted(difference)
    ]
