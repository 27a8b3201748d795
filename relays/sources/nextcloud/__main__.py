"""python -m relays.sources.nextcloud --config FILE: what happens to HR documents becomes messages in Mattermost."""

import os
import socket
import sys
from dataclasses import replace
from pathlib import Path

from relays import service
from relays.base.settings import RelayPaths, StartError, read_secrets
from relays.base.settings_file import read_settings
from relays.base.tls import check_ca
from relays.delivery.sender import read_sender
from relays.mattermost.bot_session import Bot
from relays.mattermost.buttons import LONG_LIFETIME_SECONDS, Signer
from relays.mattermost.handover import HandoverServer, listen
from relays.mattermost.slash_command import TOKEN
from relays.sources.nextcloud.attribution import Attribution
from relays.sources.nextcloud.backend import Backend, Disk
from relays.sources.nextcloud.cloud import read_account
from relays.sources.nextcloud.config import NextcloudSettings
from relays.sources.nextcloud.index import forget_others
from relays.sources.nextcloud.options import TreeOptions
from relays.sources.nextcloud.source import TreeSource
from relays.sources.nextcloud.tables import AFTER_RESCUE, NEXTCLOUD
from relays.sources.nextcloud.taking import Taking
from relays.sources.nextcloud.untaken import Untaken, cancel_reminders
from relays.sources.nextcloud.uploader import UploaderResolver
from relays.sources.nextcloud.webdav import WebDavPoller
from relays.wording import CATALOGUES


def build(paths: RelayPaths) -> service.Service:
    """The relay. StartError if a setting or a credential is missing or wrong."""
    settings = read_settings(paths.config, NextcloudSettings)
    check_ca(paths.config, settings.ca)
    account = read_account(settings.nextcloud, paths.credentials, settings.ca)
    polled = account if settings.source == "webdav" else None
    sender, signer = read_sender(settings, paths.credentials, "NEXTCLOUD_WEBHOOK_URL"), None
    if settings.buttons and isinstance(sender, Bot):
        secrets = read_secrets(paths.credentials, TOKEN)
        signer = Signer(settings.buttons.url, secrets, lifetime=LONG_LIFETIME_SECONDS)
        sender = replace(sender, signer=signer)

    wording = CATALOGUES[settings.language]
    relay = service.Service(
        paths.state, wording, sender, settings.digest_from, NEXTCLOUD, after_rescue=AFTER_RESCUE
    )
    resolver = UploaderResolver(account, relay.store) if account else None
    if resolver:
        relay.add(resolver)
    watched: dict[str, TreeOptions] = {}
    taking = Taking(relay.outbox, wording, relay.store.now, signer.key_id) if signer else None
    for tree in settings.watched:
        backend: Backend = Disk(tree.tree)
        in_files = tree.in_files.rstrip("/")
        if polled is not None:
            backend, in_files = WebDavPoller(polled, tree.tree, settings.poll_seconds), tree.tree
            relay.add(backend)
        attribution = Attribution(resolver if in_files else None, backend, in_files)
        converses = settings.bot is not None
        relay.add(TreeSource(relay, backend, tree, attribution, converses=converses, taking=taking))
        watched[backend.name] = tree
    if signer and taking and settings.buttons:
        relay.add(HandoverServer(_listen(settings.buttons.socket), taking.take))
        relay.add(Untaken(relay.store, relay.outbox, wording, watched, signer))
    else:
        relay.store.submit(lambda db: cancel_reminders(db, watched))
    relay.store.submit(lambda db: forget_others(db, watched))
    return relay


def _listen(path: Path) -> socket.socket:
    try:
        return listen(path)
    except OSError as error:
        raise StartError(
            f"[buttons] socket = {path}: {error.strerror or error}; name a path in a folder of the relay's",
            os.EX_OSERR,
        ) from None


if __name__ == "__main__":
    sys.exit(service.main("passerelle-nextcloud", build))
