"""python -m relays.sources.nextcloud --config FILE: what happens to HR documents becomes messages in Mattermost."""

import sys

from relays import service
from relays.base.settings import RelayPaths, StartError, read_hook_url, read_settings
from relays.base.tls import read_ca
from relays.delivery import digest
from relays.mattermost.bot_session import Bot, read_bot
from relays.mattermost.client import Hook, read_icon
from relays.sources.nextcloud.attribution import Attribution
from relays.sources.nextcloud.backend import Backend, Disk
from relays.sources.nextcloud.cloud import read_account
from relays.sources.nextcloud.config import read_trees
from relays.sources.nextcloud.index import forget_others
from relays.sources.nextcloud.source import TreeSource
from relays.sources.nextcloud.tables import AFTER_RESCUE, NEXTCLOUD
from relays.sources.nextcloud.uploader import UploaderResolver
from relays.sources.nextcloud.webdav import DEFAULT_SECONDS, HIGHEST_SECONDS, WebDavPoller
from relays.wording import CATALOGUES


def build(places: RelayPaths) -> service.Service:
    """The relay. StartError if a setting or a credential is missing or wrong."""
    settings = read_settings(places.config)
    wording = CATALOGUES[settings.choice("language", tuple(CATALOGUES), "fr")]
    channel = settings.text("channel", "rh-alerts")
    digest_from = settings.integer("digest_from", digest.DEFAULT_FROM, 0, digest.HIGHEST_FROM)
    trees = read_trees(places.config, settings, channel)
    ca = read_ca(places.config, settings)
    account = read_account(settings, places.credentials, ca)
    source = settings.choice("source", ("disk", "webdav"), "disk")
    if source == "webdav" and account is None:
        raise StartError(
            f'{places.config}: source = "webdav" needs an account: add [nextcloud] with url and user'
        )
    polled = account if source == "webdav" else None
    poll_seconds = settings.integer("poll_seconds", DEFAULT_SECONDS, 1, HIGHEST_SECONDS)
    icon = read_icon(settings)
    sender: Hook | Bot | None = read_bot(settings, places.credentials, channel, icon, ca)
    settings.done()
    if sender is None:
        sender = Hook(read_hook_url(places.credentials, "NEXTCLOUD_WEBHOOK_URL"), channel, icon, ca)

    relay = service.Service(places.state, wording, sender, digest_from, NEXTCLOUD, after_rescue=AFTER_RESCUE)
    resolver = UploaderResolver(account, relay.store) if account else None
    if resolver:
        relay.add(resolver)
    watched = []
    for tree in trees:
        place: Backend = Disk(tree.root)
        in_files = tree.in_files
        if polled is not None:
            place, in_files = WebDavPoller(polled, tree.root, poll_seconds), tree.root
            relay.add(place)
        attribution = Attribution(resolver if in_files else None, place, in_files)
        converses = isinstance(sender, Bot)
        relay.add(TreeSource(relay, place, tree.options, attribution, converses=converses))
        watched.append(place.name)
    relay.store.submit(lambda db: forget_others(db, watched))
    return relay


if __name__ == "__main__":
    sys.exit(service.main("passerelle-nextcloud", build))
