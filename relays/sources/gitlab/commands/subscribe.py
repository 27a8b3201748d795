"""`subscribe`: this channel hears of a project or a group besides what the site's routes lead there."""

import logging

from relays.delivery.outbox import Notification
from relays.mattermost import markup
from relays.mattermost.channels import Channel
from relays.mattermost.markup import Markup
from relays.mattermost.people import NoAnswerError
from relays.sources.gitlab.commands.reasons import reason_of
from relays.sources.gitlab.commands.subcommand import Asked, NotSureError, Subcommand
from relays.sources.gitlab.commands.subscribing import SITE, Subscribing
from relays.sources.gitlab.reader import within
from relays.sources.gitlab.rest import GitLabError
from relays.sources.gitlab.subscriptions import conditions, tables
from relays.sources.gitlab.subscriptions.access import FOREIGN, UNKNOWN, Finding, Project, Readers
from relays.sources.gitlab.subscriptions.conditions import ConditionError
from relays.sources.gitlab.subscriptions.notices import what
from relays.sources.gitlab.subscriptions.subscription import (
    Place,
    Subscription,
    reaches_us,
    target_of,
)
from relays.sources.gitlab.subscriptions.tables import TooManyError
from relays.sources.gitlab.subscriptions.watch import seen
from relays.storage.engine import Database
from relays.wording import Wording

log = logging.getLogger(__name__)

# The watchdog leaves the thread several times as long.
_GITLAB_SECONDS = 60.0
_SHOWN = 300
_MOST_PEOPLE = 5


class Subscribe(Subcommand):
    """For those who administer the channel, and operators; the channel hears of it."""

    name = "subscribe"
    asks_mattermost = True

    def __init__(self, subscribing: Subscribing) -> None:
        self._with = subscribing

    def answer(self, asked: Asked) -> Markup:
        wording, projects = asked.wording, self._with.router.projects
        given, *words = asked.arguments or ("",)
        target = target_of(given, projects)
        if not target:
            return _usage(asked, given)
        try:
            said = conditions.read(" ".join(words))
            conditions.check(said, self._with.router.mute)
        except ConditionError as error:
            return condition_fault(error, wording)
        place, channel = self._seen(asked)
        if channel is None and asked.command.is_direct:
            return Markup(wording["command.subscribe.direct"])
        if channel is None or place.state:
            return markup.fill(wording["command.subscribe.invite"], bot=self._bot())
        if not asked.may_manage():
            return Markup(wording["command.managers_only"])
        name, now = asked.user_name(), self._with.store.now()
        try:
            found = self._judged(target, asked, channel, name)
        except GitLabError as error:
            return markup.fill(wording["command.subscribe.gitlab"], reason=reason_of(error))
        if all(each.refusal for each in found):
            return refused(found, given, wording)
        new = Subscription(0, place.channel_id, target, conditions.written(said), name, now)
        return self._begin(asked, new, place, found)

    def _begin(self, asked: Asked, new: Subscription, place: Place, found: list[Finding]) -> Markup:
        wording = asked.wording

        def work(db: Database) -> list[Notification]:
            is_new = tables.put(db, new, place)
            if self._with.gitlab:
                noted = (each.noted(place.channel_id, new.chosen_at) for each in found)
                tables.keep_access(db, [access for each in noted for access in each])
            said = [new] if is_new else []
            return self._with.notice("command.subscribe.notice", place, new.chosen_by, said)

        try:
            self._with.put(work)
        except TooManyError:
            return Markup(wording["command.subscribe.many"])
        if self._with.router.subscribed:
            self._with.router.subscribed.refresh()
            # What is being found out at this moment does not know of it.
            self._with.router.subscribed.doubt.set()
        log.info(
            "subscribe channel=%s target=%s user=%s", place.channel_id, new.target, asked.command.user_id
        )
        lines = [markup.fill(wording["command.subscribe.done"], what=what(new, wording))]
        if any(each.refusal for each in found):
            lines.append(Markup(wording["command.subscribe.some"]))
        return Markup("\n".join(lines))

    def _seen(self, asked: Asked) -> tuple[Place, Channel | None]:
        if self._with.channels is None:
            raise NotSureError
        try:
            return seen(self._with.channels, asked.command.channel_id)
        except NoAnswerError:
            raise NotSureError from None

    def _bot(self) -> Markup:
        if self._with.channels is None:
            raise NotSureError
        try:
            return markup.code(f"/invite @{self._with.channels.bot_name()}", 80)
        except NoAnswerError:
            raise NotSureError from None

    def _judged(self, target: str, asked: Asked, channel: Channel, name: str) -> list[Finding]:
        """Whether each project of a target may be announced that who asks may know of. GitLabError, NotSureError.

        Of what they may not read, nothing shows whether the site lists it either.
        """
        projects = self._with.router.projects
        if self._with.gitlab is None or self._with.channels is None:
            if not self._with.site_shows(asked.command.channel, target):
                return [Finding(None, SITE)]
            return [Finding(None, "" if reaches_us(target, projects) else FOREIGN)]
        readers = Readers(self._with.gitlab, self._with.router.people, within(_GITLAB_SECONDS))
        ours: list[Project] = []
        others: list[Project] = []
        for each in readers.projects(target):
            (ours if reaches_us(each.path, projects) else others).append(each)
        known = [each for each in ours if readers.may_read(each, name)]
        if not known:
            is_known = any(readers.may_read(each, name) for each in others)
            return [Finding(None, FOREIGN if is_known else UNKNOWN)]
        try:
            names = self._with.channels.members(asked.command.channel_id)
        except NoAnswerError:
            raise NotSureError from None
        return [readers.judge(each, channel, names) for each in known]


def refused(found: list[Finding], given: str, wording: Wording) -> Markup:
    """Why nothing of a target, which was given so, may be announced in a channel, and what helps."""
    # A project that who asks may know of is named; of a group of none of those, the group, as they have named it.
    first = max(found, key=lambda each: (bool(each.people), each.project is not None))
    key = f"command.subscribe.refused.{first.refusal.replace(' ', '_')}"
    people = ", ".join(markup.code(f"@{each}", 64) for each in first.people[:_MOST_PEOPLE])
    shown = markup.code(first.project.path if first.project else given, _SHOWN)
    return markup.fill(
        wording[key],
        target=shown,
        people=Markup(people + (", …" if len(first.people) > _MOST_PEOPLE else "")),
    )


def condition_fault(error: ConditionError, wording: Wording) -> Markup:
    """What is wrong with a condition, and what is right."""
    values = {name: markup.code(value, 600) for name, value in error.values.items()}
    return markup.fill(wording[f"command.condition.{error.wording}"], **values)


def _usage(asked: Asked, given: str) -> Markup:
    word = markup.code(asked.command.word, 64)
    fault = markup.given(markup.code, given, _SHOWN)
    return markup.fill(asked.wording["command.subscribe.usage"], word=word, fault=fault)
