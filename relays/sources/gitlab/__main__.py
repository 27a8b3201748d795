"""python -m relays.sources.gitlab --config FILE: events of GitLab become messages in Mattermost."""

import logging
import os
import socket
import sys
from collections import Counter

from relays import service
from relays.base import systemd
from relays.base.settings import RelayPaths, StartError, read_hook_url, read_settings, read_spool
from relays.base.tls import read_ca
from relays.delivery import digest
from relays.mattermost.bot_session import Bot, read_bot
from relays.mattermost.client import Hook, read_icon
from relays.sources.gitlab.app import App
from relays.sources.gitlab.attempt_journal import AttemptJournal
from relays.sources.gitlab.authenticity import read_authenticity
from relays.sources.gitlab.backfill import Backfill
from relays.sources.gitlab.batcher import Batcher
from relays.sources.gitlab.config import read_dispatcher
from relays.sources.gitlab.dead_letters import DeadLetters
from relays.sources.gitlab.delivery_log import read_hook_logs
from relays.sources.gitlab.event_processor import EventProcessor
from relays.sources.gitlab.history import History
from relays.sources.gitlab.http.memory_budget import ROOM_BYTES
from relays.sources.gitlab.http.refusals import Refusals
from relays.sources.gitlab.http.server import HttpServer, address_of
from relays.sources.gitlab.inbox import Inbox
from relays.sources.gitlab.tables import AFTER_RESCUE, GITLAB
from relays.sources.gitlab.webhook_request import Reception
from relays.wording import CATALOGUES

log = logging.getLogger("relays.sources.gitlab")

# GitLab sends nothing larger.
_MAX_BODY_BYTES = 25 * 1024 * 1024


def build(places: RelayPaths) -> service.Service:
    """The relay, listening. StartError if a setting or a credential is missing or wrong."""
    settings = read_settings(places.config)
    dispatcher = read_dispatcher(places.config, settings)
    max_body_bytes = settings.integer("max_body_bytes", _MAX_BODY_BYTES, 1024, ROOM_BYTES)
    digest_from = settings.integer("digest_from", digest.DEFAULT_FROM, 0, digest.HIGHEST_FROM)
    signed = settings.choice("signature", ("accepted", "required"), "accepted") == "required"
    icon = read_icon(settings)
    listen = settings.table("listen")
    address, port = listen.text("address", "0.0.0.0"), listen.integer("port", 8090, 0, 65535)  # noqa: S104
    listen.done()
    ca = read_ca(places.config, settings)
    hook_logs = read_hook_logs(settings, places.credentials, ca)
    everything = dispatcher.routes[-1]
    sender: Hook | Bot | None = read_bot(settings, places.credentials, everything.channels[0], icon, ca)
    settings.done()
    authenticity = read_authenticity(places.credentials, required=signed)

    if sender is None:
        url = read_hook_url(places.credentials, "GITLAB_WEBHOOK_URL")
        sender = Hook(url, everything.channels[0], icon, ca)
    wording = CATALOGUES[everything.language]
    relay = service.Service(
        places.state,
        wording,
        sender,
        digest_from,
        GITLAB,
        spool=read_spool(places.credentials),
        after_rescue=AFTER_RESCUE,
    )
    deliveries, dead_letters = Inbox(relay.store), DeadLetters(relay.store)
    relay.metrics.add_gauge("pending_events", "Events stored and not looked into yet", deliveries.pending)
    relay.metrics.add_gauge(
        "dead_letters", "Events that cannot be told and wait for an operator", dead_letters.count
    )
    counters: Counter[str] = Counter()
    refusals = Refusals(counters, relay.metrics)
    reception = Reception(Batcher(deliveries), authenticity, max_body_bytes, relay.metrics, refusals)
    listeners = systemd.listening_sockets() or [_listen(address, port)]
    standing = {"pending": deliveries.pending, "dead_letters": dead_letters.count}
    relay.add(HttpServer(App(reception, counters, relay.health, standing).begin, *listeners))
    log.info("listening address=%s", ",".join(map(address_of, listeners)))
    if hook_logs:
        relay.add(Backfill(relay.store, deliveries, hook_logs))
    else:
        log.info("backfill off: without gitlab-read-token, what GitLab cannot deliver is lost")

    def note(dead: int) -> None:
        text = wording["status.dead_letters"].format(count=dead) if dead else ""
        relay.note("dead_letters", text, count=dead)

    told = (relay.outbox, dispatcher, History.of(relay.store))
    attempt = AttemptJournal(places.state / "attempt")
    relay.add(EventProcessor(deliveries, *told, dead_letters, attempt, relay.metrics, counters, note))
    return relay


def _listen(address: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address, port), family=family, backlog=1024)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not an address"
        raise StartError(
            f"[listen] address = {address}, port = {port}: {reason}; choose another one", os.EX_OSERR
        ) from None


if __name__ == "__main__":
    sys.exit(service.main("passerelle-gitlab", build))
