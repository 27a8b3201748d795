"""python -m relays.sources.gitlab --config FILE: events of GitLab become messages in Mattermost."""

import logging
import os
import socket
import sys
from collections import Counter

from relays import service
from relays.base import systemd
from relays.base.settings import RelayPaths, StartError, read_hook_url, read_spool
from relays.base.settings_file import read_settings
from relays.base.tls import check_ca
from relays.mattermost.client import Hook
from relays.mattermost.settings import as_webhook_takes
from relays.sources.gitlab.app import App
from relays.sources.gitlab.attempt_journal import AttemptJournal
from relays.sources.gitlab.authenticity import read_authenticity
from relays.sources.gitlab.backfill import Backfill
from relays.sources.gitlab.batcher import Batcher
from relays.sources.gitlab.config import GitLabSettings, Listen
from relays.sources.gitlab.dead_letters import DeadLetters
from relays.sources.gitlab.event_processor import EventProcessor
from relays.sources.gitlab.history import History
from relays.sources.gitlab.hook_logs import read_hook_logs
from relays.sources.gitlab.http.refusals import Refusals
from relays.sources.gitlab.http.server import HttpServer, address_of
from relays.sources.gitlab.inbox import Inbox
from relays.sources.gitlab.tables import AFTER_RESCUE, GITLAB
from relays.sources.gitlab.webhook_request import Reception
from relays.wording import CATALOGUES

log = logging.getLogger("relays.sources.gitlab")


def build(paths: RelayPaths) -> service.Service:
    """The relay, listening. StartError if a setting or a credential is missing or wrong."""
    settings = read_settings(paths.config, GitLabSettings)
    check_ca(paths.config, settings.ca)
    router = settings.router()
    hook_logs = read_hook_logs(settings.gitlab, paths.credentials, settings.ca)
    authenticity = read_authenticity(paths.credentials, required=settings.signature == "required")
    icon = as_webhook_takes(settings.icon)
    hook = Hook(read_hook_url(paths.credentials, "GITLAB_WEBHOOK_URL"), settings.channel, icon, settings.ca)
    wording = CATALOGUES[settings.language]
    relay = service.Service(
        paths.state,
        wording,
        hook,
        settings.digest_from,
        GITLAB,
        spool=read_spool(paths.credentials),
        after_rescue=AFTER_RESCUE,
    )
    deliveries, dead_letters = Inbox(relay.store), DeadLetters(relay.store)
    relay.metrics.add_gauge("pending_events", "Events stored and not processed yet", deliveries.pending)
    relay.metrics.add_gauge(
        "dead_letters", "Events that cannot be announced and wait for an operator", dead_letters.count
    )
    counters: Counter[str] = Counter()
    refusals = Refusals(counters, relay.metrics)
    reception = Reception(Batcher(deliveries), authenticity, settings.max_body_bytes, relay.metrics, refusals)
    listeners = systemd.listening_sockets() or [_listen(settings.listen)]
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

    towards = (relay.outbox, router, History.of(relay.store))
    attempt = AttemptJournal(paths.state / "attempt")
    relay.add(EventProcessor(deliveries, *towards, dead_letters, attempt, relay.metrics, counters, note))
    return relay


def _listen(where: Listen) -> socket.socket:
    address, port = where.address, where.port
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
