"""python -m relays.nextcloud --config FILE: what happens to HR documents becomes messages in Mattermost."""

import sys

from relays import digest, service
from relays.mattermost import Hook, read_icon
from relays.nextcloud.cloud import read_account
from relays.nextcloud.config import read_trees
from relays.nextcloud.index import forget_others
from relays.nextcloud.inquiry import Inquiry
from relays.nextcloud.origins import Origins
from relays.nextcloud.place import Disk, Place
from relays.nextcloud.polling import DEFAULT_SECONDS, HIGHEST_SECONDS, Polling
from relays.nextcloud.source import TreeSource
from relays.nextcloud.tables import AFTER_RESCUE, NEXTCLOUD
from relays.settings import Places, StartError, read_hook_url, read_settings
from relays.tls import read_ca
from relays.wording import CATALOGUES


def build(places: Places) -> service.Service:
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
    settings.done()
    hook = Hook(read_hook_url(places.credentials, "NEXTCLOUD_WEBHOOK_URL"), channel, icon, ca)

    relay = service.Service(places.state, wording, hook, digest_from, NEXTCLOUD, after_rescue=AFTER_RESCUE)
    inquiry = Inquiry(account, relay.store) if account else None
    if inquiry:
        relay.add(inquiry)
    watched = []
    for tree in trees:
        place: Place = Disk(tree.root)
        in_files = tree.in_files
        if polled is not None:
            place, in_files = Polling(polled, tree.root, poll_seconds), tree.root
            relay.add(place)
        origins = Origins(inquiry if in_files else None, place, in_files)
        relay.add(TreeSource(relay, place, tree.telling, origins))
        watched.append(place.name)
    relay.store.submit(lambda db: forget_others(db, watched))
    return relay


if __name__ == "__main__":
    sys.exit(service.main("passerelle-nextcloud", build))
