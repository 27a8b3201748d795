"""python -m relays.sources.gitlab --config FILE: events of GitLab become messages in Mattermost."""

import logging
import os
import socket
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from zoneinfo import ZoneInfo

from relays import service
from relays.base import systemd
from relays.base.settings import RelayPaths, StartError, read_secrets, read_spool
from relays.base.settings_file import read_settings
from relays.base.tls import check_ca
from relays.delivery.sender import read_sender
from relays.mattermost.bot_session import Bot
from relays.mattermost.buttons import Signer
from relays.mattermost.channels import Channels
from relays.mattermost.directory import Directory
from relays.mattermost.slash_command import TOKEN
from relays.sources.gitlab.app import App
from relays.sources.gitlab.attempt_journal import AttemptJournal
from relays.sources.gitlab.authenticity import read_authenticity
from relays.sources.gitlab.backfill import Backfill
from relays.sources.gitlab.batcher import Batcher
from relays.sources.gitlab.channel_events import ChannelEvents
from relays.sources.gitlab.channel_ids import ChannelIds
from relays.sources.gitlab.commands.assembly import receive_commands
from relays.sources.gitlab.commands.buttons import WORDS
from relays.sources.gitlab.commands.press import PressReception
from relays.sources.gitlab.commands.status import Links
from relays.sources.gitlab.commands.subscribing import Subscribing
from relays.sources.gitlab.commands.todo import ReadProjects
from relays.sources.gitlab.config import GitLabSettings, Listen
from relays.sources.gitlab.conversations.conversing import Conversing
from relays.sources.gitlab.conversations.direct_messages import DirectMessages, DirectMessenger
from relays.sources.gitlab.conversations.identities import Identities
from relays.sources.gitlab.conversations.table import Conversations
from relays.sources.gitlab.dead_letters import DeadLetters
from relays.sources.gitlab.event_processor import EventProcessor, Tally
from relays.sources.gitlab.history import History
from relays.sources.gitlab.hook_logs import logs_of
from relays.sources.gitlab.http.refusals import Refusals
from relays.sources.gitlab.http.server import HttpServer, address_of
from relays.sources.gitlab.inbox import Inbox
from relays.sources.gitlab.merge_requests import MergeRequests
from relays.sources.gitlab.outcome import Settling
from relays.sources.gitlab.readable import read_projects
from relays.sources.gitlab.reminders.days import Days
from relays.sources.gitlab.reminders.reminder import ReminderWorker
from relays.sources.gitlab.reminders.settings import DEFAULT_ZONE
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.silences import Silences
from relays.sources.gitlab.subscriptions.notices import Notices
from relays.sources.gitlab.subscriptions.tables import name_of
from relays.sources.gitlab.subscriptions.view import Subscribed
from relays.sources.gitlab.subscriptions.watch import SubscriptionWatch
from relays.sources.gitlab.tables import AFTER_RESCUE, GITLAB
from relays.sources.gitlab.webhook_request import Reception
from relays.wording import CATALOGUES

log = logging.getLogger("relays.sources.gitlab")

# Of those who are nobody in Mattermost, in the status.
_MOST_NAMES = 50
_NAME = 100


def build(paths: RelayPaths) -> service.Service:
    """The relay, listening. StartError if a setting or a credential is missing or wrong."""
    settings = read_settings(paths.config, GitLabSettings)
    check_ca(paths.config, settings.ca)
    router = settings.router()
    projects = read_projects(settings.gitlab, paths.credentials, settings.ca)
    authenticity = read_authenticity(paths.credentials, required=settings.signature == "required")
    sender, signer = read_sender(settings, paths.credentials, "GITLAB_WEBHOOK_URL"), None
    if settings.commands and settings.commands.buttons and isinstance(sender, Bot):
        signer = Signer(settings.commands.buttons, read_secrets(paths.credentials, TOKEN))
        sender = replace(sender, signer=signer)
    wording = CATALOGUES[settings.language]
    relay = service.Service(
        paths.state,
        wording,
        sender,
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
    logs = logs_of(projects, settings.gitlab.hook) if settings.gitlab else []
    commands = presses = None
    in_person = settings.direct_messages and isinstance(sender, Bot)
    gitlab = projects[0].server if projects else None
    channels = Channels(sender) if settings.commands and isinstance(sender, Bot) else None
    relay.standing.channel_name = partial(name_of, relay.store)
    if channels:
        subscribed = Subscribed(relay.store, relay.store.now, router.routes, asks_gitlab=gitlab is not None)
        router = replace(router, subscribed=subscribed)
        known = (gitlab, router.people, subscribed.doubt)
        notices = Notices(router.language_in, relay.store.now)
        relay.add(SubscriptionWatch(relay.store, channels, *known, relay.outbox, notices))
    events, quiet = ChannelEvents(relay.store, router), Silences(relay.store, router.channel_name)
    if settings.commands:
        given_links = (deliveries, relay.outbox, dead_letters, relay.dispatcher.held)
        links = Links(relay.store, *given_links, lambda: relay.health()[0])
        named = ChannelIds(relay.store, router.leads_into, isinstance(sender, Bot))
        relay.on_channel = named.resolved
        given = (settings.commands, paths.credentials, sender, settings.language)
        zone = ZoneInfo(settings.reminders.timezone if settings.reminders else DEFAULT_ZONE)
        subscribing = Subscribing(relay.store, relay.outbox, router, channels, gitlab)
        readable = ReadProjects(projects, zone)
        commands = receive_commands(
            *given, links, events, named, readable, logs, refusals, subscribing, in_person=in_person
        )
        presses = PressReception(signer, commands.executor, refusals) if signer else None
        for worker in commands.executor.workers:
            relay.add(worker)
    relay.add(
        HttpServer(App(reception, counters, relay.health, standing, commands, presses).begin, *listeners)
    )
    log.info("listening address=%s", ",".join(map(address_of, listeners)))
    if settings.gitlab:
        relay.add(Backfill(relay.store, deliveries, logs))
    else:
        log.info("backfill off: without gitlab-read-token, what GitLab cannot deliver is lost")

    direct = (
        DirectMessages(relay.store, settings.notify, settings.commands is not None) if in_person else None
    )
    if settings.reminders:
        reminded = direct if settings.reminders.direct else None
        relay.add(
            ReminderWorker(settings.reminders, projects, router, Days(relay.store), relay.outbox, reminded)
        )

    def note(dead: int) -> None:
        text = wording["status.dead_letters"].format(count=dead) if dead else ""
        relay.note("dead_letters", text, count=dead)

    acts = settings.commands is not None and settings.commands.gitlab is not None
    actions = () if signer is None else frozenset(WORDS) - (frozenset() if acts else {"retry"})
    conversing = _converse(relay, sender, router, direct, actions) if isinstance(sender, Bot) else None
    settling = Settling(
        deliveries,
        dead_letters,
        History.of(relay.store),
        router.mute,
        conversing,
        # Nobody could ask for them without a command; what is there from before goes all the same.
        events if settings.commands else None,
        quiet if settings.commands else None,
        [each.forget for each in (conversing, events, quiet) if each],
    )
    attempt, tally = AttemptJournal(paths.state / "attempt"), Tally(relay.metrics, counters, note)
    relay.add(EventProcessor(settling, relay.outbox, router, attempt, tally))
    return relay


def _converse(
    relay: service.Service,
    bot: Bot,
    router: Router,
    direct: DirectMessages | None,
    actions: Collection[str],
) -> Conversing:
    """How events become conversations, with direct messages to people and buttons if the site wants them."""
    identities = Identities(router.people, Directory(bot))

    def note(missing: Sequence[str]) -> None:
        text = relay.wording["status.missing_people"].format(count=len(missing)) if missing else ""
        relay.note("people", text, count=len(missing), names=[name[:_NAME] for name in missing[:_MOST_NAMES]])

    # It also finds out who is mentioned in comments, and sends what waits from before.
    relay.add(DirectMessenger(direct or DirectMessages(relay.store), relay.outbox, identities, note))
    conversations, merge_requests = Conversations(relay.store), MergeRequests(relay.store)
    return Conversing(router, conversations, merge_requests, identities, direct, actions)


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
