"""The subcommands of a relay and what they work with, put together."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from relays.base.settings import read_secrets
from relays.mattermost.bot_session import Bot
from relays.mattermost.client import Hook
from relays.mattermost.later_answers import Server
from relays.mattermost.people import People
from relays.mattermost.slash_command import TOKEN
from relays.sources.gitlab.channel_events import ChannelEvents
from relays.sources.gitlab.channel_ids import ChannelIds
from relays.sources.gitlab.commands.acting import Actor, read_server
from relays.sources.gitlab.commands.answering import Answering
from relays.sources.gitlab.commands.dead import Dead
from relays.sources.gitlab.commands.executor import Executor
from relays.sources.gitlab.commands.help import Help
from relays.sources.gitlab.commands.mute import Mute
from relays.sources.gitlab.commands.notify import Notify
from relays.sources.gitlab.commands.replay import Replay
from relays.sources.gitlab.commands.request import CommandReception
from relays.sources.gitlab.commands.retry import Retry
from relays.sources.gitlab.commands.review import Review
from relays.sources.gitlab.commands.settings import CommandSettings
from relays.sources.gitlab.commands.status import Links, Status
from relays.sources.gitlab.commands.subcommand import Subcommand
from relays.sources.gitlab.commands.subscribe import Subscribe
from relays.sources.gitlab.commands.subscribing import Subscribing
from relays.sources.gitlab.commands.subscriptions import Subscriptions
from relays.sources.gitlab.commands.take import Take
from relays.sources.gitlab.commands.threads import find_thread
from relays.sources.gitlab.commands.todo import ReadProjects, Todo
from relays.sources.gitlab.commands.unsubscribe import Unsubscribe
from relays.sources.gitlab.commands.why import Why
from relays.sources.gitlab.delivery_log import DeliveryLog
from relays.sources.gitlab.hook_logs import PatternLogs
from relays.sources.gitlab.http.refusals import Refusals
from relays.wording import Language


def receive_commands(
    settings: CommandSettings,
    credentials: Path,
    sender: Hook | Bot,
    language: Language,
    links: Links,
    events: ChannelEvents,
    channels: ChannelIds,
    projects: ReadProjects,
    logs: Sequence[DeliveryLog | PatternLogs],
    refusals: Refusals,
    subscribing: Subscribing,
    *,
    in_person: bool,
) -> CommandReception:
    """Where slash commands are taken in and answered; `in_person`: people are written to as well.

    StartError if there is no token to know them by, or to act in GitLab with where the settings say so.
    """
    acted_in, router = read_server(settings.gitlab, credentials, sender.ca), events.router
    actor = Actor(acted_in, router.people) if acted_in else None
    others: Sequence[Subcommand] = (
        Status(links),
        Why(links.store, links.inbox, events),
        Replay(links.store, links.outbox, events, router, logs),
        Subscribe(subscribing),
        Unsubscribe(subscribing),
        Subscriptions(subscribing),
        Mute(links.store, links.outbox, router),
        Todo(projects, router, links.store.now),
        Notify(links.store, projects.zone.key, in_person=in_person),
        Review(links.store, links.outbox, router, actor),
        Retry(links.store, links.outbox, router, actor),
        Take(settings.documents),
        Dead(links.store),
    )
    subcommands = {each.name: each for each in (Help(others), *others)}
    people = People(sender) if isinstance(sender, Bot) else None
    answering = Answering(
        subcommands,
        language,
        people,
        frozenset(settings.operators),
        channels,
        partial(find_thread, links.store),
    )
    executor = Executor(answering, Server(settings.url, sender.ca, sender.proxy))
    return CommandReception(read_secrets(credentials, TOKEN), settings.team, executor, refusals)
