"""python -m relays.gitlab --config FILE: events of GitLab become messages in Mattermost."""

import logging
import os
import socket
import sys
from collections import Counter

from relays import digest, service, systemd
from relays.gitlab.app import App
from relays.gitlab.attempt import Attempt
from relays.gitlab.authenticity import read_authenticity
from relays.gitlab.config import read_dispatcher
from relays.gitlab.dead_letters import DeadLetters
from relays.gitlab.gathering import Gathering
from relays.gitlab.hook_log import read_hook_logs
from relays.gitlab.memory import Memory
from relays.gitlab.received import Received
from relays.gitlab.receiving import Reception
from relays.gitlab.redelivery import Redelivery
from relays.gitlab.refusals import Refusals
from relays.gitlab.room import ROOM_BYTES
from relays.gitlab.server import HttpServer, address_of
from relays.gitlab.tables import AFTER_RESCUE, GITLAB
from relays.gitlab.teller import Teller
from relays.mattermost import Hook, read_icon
from relays.settings import Places, StartError, read_hook_url, read_settings, read_spool
from relays.tls import read_ca
from relays.wording import CATALOGUES

log = logging.getLogger("relays.gitlab")

# GitLab sends nothing larger.
_MAX_BODY_BYTES = 25 * 1024 * 1024


def build(places: Places) -> service.Service:
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
    settings.done()
    authenticity = read_authenticity(places.credentials, required=signed)

    everything = dispatcher.routes[-1]
    hook = Hook(read_hook_url(places.credentials, "GITLAB_WEBHOOK_URL"), everything.channels[0], icon, ca)
    wording = CATALOGUES[everything.language]
    relay = service.Service(
        places.state,
        wording,
        hook,
        digest_from,
        GITLAB,
        spool=read_spool(places.credentials),
        after_rescue=AFTER_RESCUE,
    )
    deliveries, dead_letters = Received(relay.store), DeadLetters(relay.store)
    relay.metrics.tell_also("untold_events", "Events stored and not looked into yet", deliveries.untold)
    relay.metrics.tell_also(
        "dead_letters", "Events that cannot be told and wait for an operator", dead_letters.count
    )
    counters: Counter[str] = Counter()
    refusals = Refusals(counters, relay.metrics)
    reception = Reception(Gathering(deliveries), authenticity, max_body_bytes, relay.metrics, refusals)
    listeners = systemd.listening_sockets() or [_listen(address, port)]
    standing = {"untold": deliveries.untold, "dead_letters": dead_letters.count}
    relay.add(HttpServer(App(reception, counters, relay.health, standing).begin, *listeners))
    log.info("listening address=%s", ",".join(map(address_of, listeners)))
    if hook_logs:
        relay.add(Redelivery(relay.store, deliveries, hook_logs))
    else:
        log.info("redelivery off: without gitlab-read-token, what GitLab cannot deliver is lost")

    def note(dead: int) -> None:
        text = wording["status.dead_letters"].format(count=dead) if dead else ""
        relay.note("dead_letters", text, count=dead)

    told = (relay.outbox, dispatcher, Memory.of(relay.store))
    attempt = Attempt(places.state / "attempt")
    relay.add(Teller(deliveries, *told, dead_letters, attempt, relay.metrics, counters, note))
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
