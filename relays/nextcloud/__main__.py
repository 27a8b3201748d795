"""python -m relays.nextcloud --config FILE: new HR documents become messages in Mattermost."""

import os
import sys
from pathlib import PurePath

from relays import digest, service
from relays.mattermost import Hook
from relays.nextcloud.index import SCHEMA
from relays.nextcloud.source import TreeSource
from relays.nextcloud.telling import Telling
from relays.settings import Places, StartError, read_hook_url, read_settings
from relays.wording import CATALOGUES


def build(places: Places) -> service.Service:
    """The relay. StartError if a setting or a credential is missing or wrong."""
    settings = read_settings(places.config)
    wording = CATALOGUES[settings.choice("language", tuple(CATALOGUES), "fr")]
    channel = settings.text("channel", "rh-alerts")
    root = settings.text("tree")
    footer = settings.text("footer", "Nextcloud TAAF - Documents RH")
    digest_from = settings.integer("digest_from", digest.DEFAULT_FROM, 0, digest.HIGHEST_FROM)
    settings.done()
    if not PurePath(root).is_absolute() or os.path.normpath(root) == "/":
        raise StartError(f'{places.config}: tree = "{root}" is not the absolute path of a folder: correct it')
    root = os.path.normpath(root)
    hook = Hook(read_hook_url(places.credentials, "NEXTCLOUD_WEBHOOK_URL"), channel)

    relay = service.Service(places.state, wording, hook, digest_from, SCHEMA)
    relay.add(TreeSource(relay, root, Telling(PurePath(root).name, channel, footer)))
    return relay


if __name__ == "__main__":
    sys.exit(service.main("passerelle-nextcloud", build))
