"""Step 1: Mattermost accepts webhooks, has the channels and their webhooks, whose URLs are saved."""

from collections.abc import Collection
from functools import partial

from pyinfra.api import QuoteString, StringCommand

from tasks import icons
from tasks.context import DeployContext
from tasks.made import Made, hooks_of, set_aside
from tasks.operations import mattermost, mattermost_emoji, webhooks
from tasks.operations.remote import run_quietly
from tasks.operations.resource import each, step
from tasks.operations.text_file import text_files
from tasks.site import Site
from tasks.site_mattermost import IncomingWebhook
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


# Notes that webhooks were switched on for their removal alone.
_MEMO = "/var/lib/passerelle/mattermost-setting-to-put-back"


@step("Mattermost")
def admit_webhooks(site: Site, context: DeployContext) -> None:
    """Settings and team, without which the server hides webhooks."""
    mattermost.settings(context.mattermost, INTEGRATIONS, name="Integration settings")
    if any(icons.image(hook) for hook in hooks_of(site)):
        mattermost.settings(context.mattermost, icons.SETTINGS, name="Custom emoji")
    team, display_name = site.mattermost.team, site.mattermost.team_display_name
    mattermost.team(context.mattermost, team, display_name, name=f"Team {team}")


@step("Mattermost")
def provision_mattermost(site: Site, context: DeployContext, made: Made) -> None:
    """Channels, incoming webhooks, and scripts/.webhooks.conf on the host."""
    api, team = context.mattermost, site.mattermost.team
    routed = {channel for _, channel in site.gitlab.further_channels}
    watched = {tree.channel for tree in site.trees}
    # A webhook that posts elsewhere cannot be locked to its channel.
    gitlab, nextcloud = hooks_of(site)
    for hook, channels in ((gitlab, routed), (nextcloud, watched)):
        mattermost.channel(
            api,
            team,
            hook.channel,
            hook.channel_display_name,
            hook.channel_purpose,
            private=hook.private,
            members=hook.members,
            posting=partial(webhooks.webhook_owners, api, team, hook.display_name, made.in_use),
            name=f"Channel {hook.channel}",
        )
        webhooks.incoming_webhook(
            api,
            team,
            hook.display_name,
            hook.description,
            hook.channel,
            locked=channels <= {hook.channel},
            remembered=_is_remembered(site, made, hook),
            in_use=made.in_use,
            name=f"Incoming webhook {hook.display_name}",
        )
        file, emoji = icons.image(hook), icons.emoji(site.mattermost, hook)
        if file and emoji:
            mattermost_emoji.emoji(api, emoji, file, name=f"Icon of {hook.display_name}")
    owner, group = context.owner
    content = partial(_webhooks_conf, site, context, made)
    text_files({context.webhooks_conf: content}, "600", owner, group, name="URLs of the webhooks")


def _webhooks_conf(site: Site, context: DeployContext, made: Made) -> str | None:
    api, team = context.mattermost, site.mattermost.team
    urls = [webhooks.webhook_url(api, team, hook.display_name, made.in_use) for hook in hooks_of(site)]
    if all(urls):
        return render("webhooks.conf", gitlab=urls[0], nextcloud=urls[1])
    known = all(_is_remembered(site, made, hook) for hook in hooks_of(site))
    if known and webhooks.are_hidden(api, team):
        # What is saved is taken for what is there.
        _, text = run_quietly(StringCommand("cat", QuoteString(context.webhooks_conf), "2>/dev/null || true"))
        return text or None
    return None


def _is_remembered(site: Site, made: Made, hook: IncomingWebhook) -> bool:
    return (site.mattermost.team, hook.display_name) in made.webhooks


@step("Mattermost")
def set_aside_webhooks(site: Site, context: DeployContext, made: Made) -> None:
    """The webhooks under another name, so that new ones are made; their addresses go on working."""
    for hook in hooks_of(site):
        webhooks.set_aside_webhooks(
            context.mattermost,
            site.mattermost.team,
            hook.display_name,
            set_aside(hook),
            remembered=_is_remembered(site, made, hook),
            in_use=made.in_use,
            name=f"Incoming webhook {hook.display_name} set aside",
        )


@step("Mattermost")
def remove_webhooks(
    context: DeployContext, left: Collection[tuple[str, str]], made: Made, *, though_hidden: bool = False
) -> None:
    """These incoming webhooks, given by team and name; also while the server hides them, if so asked."""
    for team in each(sorted({team for team, _ in left})):
        names = sorted(name for of, name in left if of == team)
        webhooks.no_webhooks(
            context.mattermost,
            team,
            names,
            remembered=[name for name in names if (team, name) in made.webhooks],
            memo=_MEMO if though_hidden else None,
            in_use=made.in_use,
            name=f"Incoming webhooks of {team}",
        )
