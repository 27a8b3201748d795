"""Step 1: Mattermost accepts webhooks, has the channels and their webhooks, whose URLs are saved."""

from pyinfra import host

from tasks import icons
from tasks.operations import mattermost, mattermost_emoji
from tasks.operations.resource import step
from tasks.operations.text_file import Owner, text_files
from tasks.place import Place
from tasks.site import IncomingWebhook, Site
from tasks.templates import render

# Integrations > Integration Management in the System Console.
INTEGRATIONS = {
    "ServiceSettings": {
        "EnableIncomingWebhooks": True,
        "EnableOutgoingWebhooks": True,
        "EnableCommands": True,
        "EnableOAuthServiceProvider": True,
        "EnablePostUsernameOverride": True,
        "EnablePostIconOverride": True,
    }
}


@step("Mattermost")
def provision_mattermost(site: Site, place: Place) -> None:
    """Settings, team, channels, incoming webhooks, and scripts/.webhooks.conf on the host."""
    wanted, api = site.mattermost, place.mattermost
    mattermost.settings(api, INTEGRATIONS, name="Integration settings")
    if any(icons.image(hook) for hook in icons.hooks(site)):
        mattermost.settings(api, icons.SETTINGS, name="Custom emoji")
    mattermost.team(api, wanted.team, wanted.team_display_name, name=f"Team {wanted.team}")
    routed = {channel for route in site.gitlab.routes for channel in route.channels}
    told = {tree.channel for tree in site.trees}
    # A webhook that posts elsewhere cannot be locked to its channel.
    for hook, channels in ((wanted.gitlab_webhook, routed), (wanted.nextcloud_webhook, told)):
        _channel_with_webhook(site, place, hook, locked=channels <= {hook.channel})
        file, emoji = icons.image(hook), icons.emoji(wanted, hook)
        if file and emoji:
            mattermost_emoji.emoji(api, emoji, file, name=f"Icon of {hook.display_name}")

    owner, group = host.get_fact(Owner, path=place.infrastructure) or ("root", "root")

    def webhooks_conf() -> str | None:
        urls = [mattermost.webhook_url(api, wanted.team, hook.display_name) for hook in icons.hooks(site)]
        return render("webhooks.conf", gitlab=urls[0], nextcloud=urls[1]) if all(urls) else None

    text_files({place.webhooks_conf: webhooks_conf}, "600", owner, group, name="URLs of the webhooks")


def _channel_with_webhook(site: Site, place: Place, hook: IncomingWebhook, *, locked: bool) -> None:
    team = site.mattermost.team
    mattermost.channel(
        place.mattermost,
        team,
        hook.channel,
        hook.channel_display_name,
        hook.channel_purpose,
        name=f"Channel {hook.channel}",
    )
    mattermost.webhook(
        place.mattermost,
        team,
        hook.display_name,
        hook.description,
        hook.channel,
        locked,
        name=f"Incoming webhook {hook.display_name}",
    )


@step("Mattermost")
def set_aside_webhooks(site: Site, place: Place) -> None:
    """The webhooks under another name, so that new ones are made; their addresses go on working."""
    for hook in icons.hooks(site):
        mattermost.set_aside_webhook(
            place.mattermost,
            site.mattermost.team,
            hook.display_name,
            _replaced(hook),
            name=f"Incoming webhook {hook.display_name} set aside",
        )


@step("Mattermost")
def remove_replaced_webhooks(site: Site, place: Place) -> None:
    """The webhooks that were set aside."""
    for hook in icons.hooks(site):
        mattermost.no_webhooks(
            place.mattermost,
            site.mattermost.team,
            _replaced(hook),
            name=f"Replaced incoming webhook {hook.display_name}",
        )


def _replaced(hook: IncomingWebhook) -> str:
    # Mattermost takes 64 bytes.
    return f"{hook.display_name.encode()[:48].decode(errors='ignore')} (replaced)"


@step("Mattermost")
def remove_webhooks(site: Site, place: Place) -> None:
    """The incoming webhooks; team, channels and settings stay."""
    for hook in icons.hooks(site):
        for display_name in (hook.display_name, _replaced(hook)):
            mattermost.no_webhooks(
                place.mattermost,
                site.mattermost.team,
                display_name,
                name=f"Incoming webhook {display_name}",
            )
