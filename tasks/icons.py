"""The pictures beside the messages, where a site gives some: an address as it is, a file as a custom emoji.

An emoji's name tells the webhook that it is for and the image that it is made of, so that another image is another
emoji, and what is no longer in use is known.
"""

from hashlib import sha256
from pathlib import Path

from tasks.operations import mattermost_emoji
from tasks.operations.resource import step
from tasks.place import Place
from tasks.site import IncomingWebhook, Mattermost, Site

SETTINGS = {"ServiceSettings": {"EnableCustomEmoji": True}}
_DIGITS = 10


def prefix(mattermost: Mattermost, hook: IncomingWebhook) -> str:
    """What the names of a webhook's emoji begin with."""
    of = sha256(f"{mattermost.team}/{hook.display_name}".encode()).hexdigest()
    return f"passerelle-{of[:_DIGITS]}-"


def image(hook: IncomingWebhook) -> Path | None:
    """The file that a webhook's icon is in, None if it is none or at an address."""
    return None if not hook.icon or hook.icon_is_address else Path(hook.icon).expanduser()


def emoji(mattermost: Mattermost, hook: IncomingWebhook) -> str | None:
    """The name of the emoji that a webhook's posts are to bear, None if none is to be made."""
    file = image(hook)
    if file is None:
        return None
    return f"{prefix(mattermost, hook)}{sha256(file.read_bytes()).hexdigest()[:_DIGITS]}"


def shown(mattermost: Mattermost, hook: IncomingWebhook) -> str | None:
    """What a relay puts beside its messages: an emoji or an address; None for its own."""
    name = emoji(mattermost, hook)
    return f":{name}:" if name else hook.icon


def hooks(site: Site) -> tuple[IncomingWebhook, IncomingWebhook]:
    """The webhooks that have one."""
    return site.mattermost.gitlab_webhook, site.mattermost.nextcloud_webhook


@step("Mattermost")
def remove_former_icons(site: Site, place: Place) -> None:
    """Emoji that the relays no longer use; after them, so that no message is without."""
    for hook in hooks(site):
        in_use = emoji(site.mattermost, hook)
        mattermost_emoji.no_emojis(
            place.mattermost,
            prefix(site.mattermost, hook),
            [in_use] if in_use else [],
            name=f"Former icons of {hook.display_name}",
        )


@step("Mattermost")
def remove_icons(site: Site, place: Place) -> None:
    """All of them."""
    for hook in hooks(site):
        mattermost_emoji.no_emojis(
            place.mattermost, prefix(site.mattermost, hook), name=f"Icon of {hook.display_name}"
        )
