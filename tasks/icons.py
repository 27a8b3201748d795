"""The pictures beside the messages, where a site gives some: an address as it is, a file as a custom emoji.

An emoji's name says the webhook that it is for and the image that it is made of, so that another image is another
emoji, and what is no longer in use is known.
"""

from hashlib import sha256
from pathlib import Path

from tasks.context import DeployContext
from tasks.made import Made, hooks_of
from tasks.operations import mattermost_emoji
from tasks.operations.resource import each, step
from tasks.site import Site
from tasks.site_mattermost import IncomingWebhook, Mattermost

SETTINGS = {"ServiceSettings": {"EnableCustomEmoji": True}}
_DIGITS = 10


def prefix(team: str, webhook: str) -> str:
    """What the names of the emoji of a team's webhook begin with."""
    of = sha256(f"{team}/{webhook}".encode()).hexdigest()
    return f"passerelle-{of[:_DIGITS]}-"


def image(hook: IncomingWebhook) -> Path | None:
    """The file that a webhook's icon is in, None if it is none or at an address."""
    return None if not hook.icon or hook.icon_is_address else Path(hook.icon).expanduser()


def emoji(mattermost: Mattermost, hook: IncomingWebhook) -> str | None:
    """The name of the emoji that a webhook's posts are to bear, None if none is to be made."""
    file = image(hook)
    if file is None:
        return None
    return f"{prefix(mattermost.team, hook.display_name)}{sha256(file.read_bytes()).hexdigest()[:_DIGITS]}"


def shown(mattermost: Mattermost, hook: IncomingWebhook) -> str | None:
    """What a relay puts beside its messages: an emoji or an address; None for its own."""
    name = emoji(mattermost, hook)
    return f":{name}:" if name else hook.icon


@step("Mattermost")
def remove_former_icons(site: Site, context: DeployContext, made: Made) -> None:
    """Emoji that the relays no longer use, of former webhooks as well; after them, so that no message is without."""
    in_use = {icon for hook in hooks_of(site) if (icon := emoji(site.mattermost, hook))}
    described = {(site.mattermost.team, hook.display_name) for hook in hooks_of(site)}
    _remove(context, sorted(made.webhooks | described), sorted(in_use))


@step("Mattermost")
def remove_icons(context: DeployContext, made: Made) -> None:
    """All of them."""
    _remove(context, sorted(made.webhooks), [])


def _remove(context: DeployContext, webhooks: list[tuple[str, str]], but: list[str]) -> None:
    for team, name in each(webhooks):
        mattermost_emoji.no_emojis(
            context.mattermost, prefix(team, name), but, name=f"Former icons of {name}"
        )
