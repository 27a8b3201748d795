"""What a channel hears of its own subscriptions: who wants one, who ends it, and that nothing is announced by it."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from relays.delivery.outbox import Notification
from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.mattermost.message import RELAY, Message
from relays.sources.gitlab.subscriptions.access import UNKNOWN
from relays.sources.gitlab.subscriptions.subscription import Place, Subscription
from relays.wording import CATALOGUES, Language, Wording

_TARGET = 300
_CONDITIONS = 500


class Notices:
    """In the language that is spoken in a channel of this name, each with the time of the store as its number."""

    def __init__(self, language_in: Callable[[str], Language], now: Callable[[], float]) -> None:
        self._language_in = language_in
        self._now = now

    def made(self, key: str, place: Place, name: str, said: Sequence[Subscription]) -> list[Notification]:
        """That somebody wants subscriptions, or ends them, by the key of its wording; nothing if it cannot be heard."""
        return self._notice(place, said, key, name=markup.plain(name, 64))

    def suspended(
        self, place: Place, subscriptions: Sequence[Subscription], refusals: Mapping[str, str]
    ) -> list[Notification]:
        """That nothing is announced any more by subscriptions, and why, by the `refusals` of projects.

        It names what was subscribed to, as the channel knows it, and neither projects of a group nor people.
        """
        by_reason: dict[str, list[Subscription]] = {}
        for each in subscriptions:
            reason = next(refusals_of(each, refusals), UNKNOWN)
            by_reason.setdefault(reason, []).append(each)
        return [
            notice
            for reason, some in by_reason.items()
            for notice in self._notice(place, some, "command.subscription.suspended", state=state_key(reason))
        ]

    def _notice(
        self, place: Place, said: Sequence[Subscription], key: str, state: str = "", **values: Markup
    ) -> list[Notification]:
        if place.state or not said:
            return []
        wording = CATALOGUES[self._language_in(place.name)]
        shown = Markup(", ".join(what(each, wording) for each in said))
        if state:
            values["state"] = Markup(wording[state])
        text = markup.fill(wording[key], what=shown, **values)
        message = Message(RELAY, ":pushpin:", summary=text, text=text)
        return [
            Notification(
                f"subscription:{said[0].number}:{said[0].target}:{self._now():.3f}", place.key, message
            )
        ]


def refusals_of(subscription: Subscription, refusals: Mapping[str, str]) -> Iterator[str]:
    """Why each project of a subscription may not be announced, empty for one that may."""
    return (refusal for project, refusal in refusals.items() if subscription.matches_project(project))


def state_key(refusal: str) -> str:
    """The key of the wording that says why nothing is announced."""
    return f"command.list.state.{refusal.replace(' ', '_')}"


def what(subscription: Subscription, wording: Wording) -> Markup:
    """What is subscribed to, in words."""
    return markup.fill(
        wording["command.subscription"],
        target=markup.code(subscription.target, _TARGET),
        conditions=markup.given(markup.code, subscription.conditions, _CONDITIONS),
    )
