"""Names in the settings that must be known to the applications already: channels, people, an account."""

from urllib.parse import quote

from tasks.operations.api import Api, ApiError
from tasks.operations.mattermost import find_team
from tasks.operations.mattermost_members import find_user
from tasks.operations.resource import ResourceError
from tasks.site import Site

# As of release 11.6 (server/public/model). A team may be older than that.
_RESERVED = (
    *(
        "admin",
        "api",
        "channel",
        "claim",
        "error",
        "files",
        "help",
        "landing",
        "login",
        "mfa",
        "oauth",
        "plug",
    ),
    *("post", "signup", "boards", "playbooks"),
)
_CHANNEL_MISSING = "app.channel.get_by_name.missing.app_error"
_TEAM_MISSING = "app.team.get_by_name.missing.app_error"
_MEMBER_MISSING = "app.channel.get_member.missing.app_error"


def check_references(site: Site, api: Api) -> None:
    """ResourceError for the first setting that names a channel or a person that is not there.

    The channels of the two webhooks are made by the deploy and may be named before they exist.
    """
    _check_team(site, api)
    ours = {site.mattermost.gitlab_webhook.channel, site.mattermost.nextcloud_webhook.channel}
    for setting, name in site.gitlab.further_channels:
        if name not in ours:
            _check_channel(site, api, setting, name)
    for number, tree in enumerate(site.nextcloud.trees, start=1):
        if tree.channel and tree.channel not in ours:
            _check_channel(site, api, f"nextcloud.trees.#{number}", tree.channel)
    people = {f"gitlab.people.{user}": name for user, name in site.gitlab.people.items()}
    chat = site.mattermost
    for section, hook in (("gitlab", chat.gitlab_webhook), ("nextcloud", chat.nextcloud_webhook)):
        for number, name in enumerate(hook.members, start=1):
            people[f"mattermost.{section}_webhook.members.#{number}"] = name
    for number, name in enumerate(chat.operators, start=1):
        people[f"mattermost.operators.#{number}"] = name
    for setting, name in people.items():
        if find_user(api, name) is None:
            raise ResourceError(
                f"{setting} = {name}: Mattermost has no such user; correct the name or take it out"
            )


def check_notified(site: Site, gitlab: Api) -> None:
    """ResourceError for the first of `gitlab.notify` who is no user of GitLab."""
    for name in site.gitlab.notify:
        if gitlab.call("GET", f"/api/v4/users?username={quote(name, safe='')}"):
            continue
        # Which is no fault by itself: somebody else may be called so in GitLab.
        user = next((user for user, other in site.gitlab.people.items() if other == name.lower()), None)
        remedy = (
            f"{name} is what {user} is called in Mattermost: write {user}" if user else "correct the name"
        )
        raise ResourceError(f"gitlab.notify.{name}: GitLab has no such user; {remedy}, or take it out")


def _check_team(site: Site, api: Api) -> None:
    name = site.mattermost.team
    if name.startswith(_RESERVED) and find_team(api, name) is None:
        raise ResourceError(
            f"mattermost.team = {name!r}: Mattermost makes no team whose name begins like an address of its own; "
            "choose another name"
        )


def check_account(api: Api, user: str) -> None:
    """ResourceError unless a Nextcloud answers and takes the account's password."""
    status = api.call("GET", "/status.php")
    if not isinstance(status, dict) or "installed" not in status:
        raise ResourceError(api.server.stranger())
    # Whatever else it answers to this, it has let the account in before.
    try:
        api.call("HEAD", f"/remote.php/dav/files/{quote(user)}/")
    except ApiError as error:
        if error.status == 404:
            raise ResourceError(
                f"nextcloud.admin = {user!r}: Nextcloud has no such user; correct it"
            ) from None
        if error.status in (0, 401):
            raise


def _check_channel(site: Site, api: Api, setting: str, name: str) -> None:
    team = site.mattermost.team
    found = api.call(
        "GET",
        f"/api/v4/teams/name/{team}/channels/name/{name}",
        absent=(_CHANNEL_MISSING, _TEAM_MISSING),
    )
    if found is None or found.get("delete_at"):
        raise ResourceError(
            f"{setting}: there is no channel {name} in the team {team}; create it in Mattermost, or correct the name"
        )
    # The owner of a webhook has to be a member of a private channel that it posts into.
    if found["type"] == "P":
        member = api.call("GET", f"/api/v4/channels/{found['id']}/members/me", absent=(_MEMBER_MISSING,))
        if member is None:
            raise ResourceError(
                f"{setting}: the channel {name} is private and the deploy's account is no member of it; invite it"
            )
