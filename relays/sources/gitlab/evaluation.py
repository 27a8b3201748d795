"""What deliveries come to: the messages of their events, or why there are none. Nothing is changed by it."""

import traceback
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from relays.base.bounded_json import HeavyError, UnreadableError, read_json
from relays.delivery.outbox import Notification
from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab import merge_requests
from relays.sources.gitlab.announcements import digest_of
from relays.sources.gitlab.correlation import Part, part_of
from relays.sources.gitlab.event import Event, read_event
from relays.sources.gitlab.history import History
from relays.sources.gitlab.inbox import Head, Waiting
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.router import Router
from relays.storage.engine import RefusedError, StorageError
from relays.wording import CATALOGUES

_LONGEST_ERROR = 120

NO_EVENT = read_event(Payload(None))


@dataclass(frozen=True)
class Cause:
    """Why a delivery is a dead letter: the key of its wording, and what an operator reads in journal and list."""

    wording: str
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What deliveries come to: an outcome in a word, why there is no message, and the messages there are.

    There are several deliveries, each with its event, if they are announced as one. With a `cause` it becomes a dead
    letter. `digest` is that of what GitLab sent. `silenced` are channels that do not want to hear of it for a while.
    `may_be_unknown`: it is a push to a branch that may belong to a merge request which the relay has not heard of.
    """

    deliveries: Sequence[Waiting | Head]
    events: Sequence[Event]
    outcome: str
    reason: str = ""
    notifications: Sequence[Notification] = ()
    cause: Cause | None = None
    part: Part = field(default_factory=Part)
    digest: str = ""
    may_be_unknown: bool = False
    silenced: Collection[str] = ()

    @property
    def may_wait(self) -> bool:
        """Whether what belongs to it is likely to come, and it has not waited for that yet."""
        follows = self.part.follows
        expects = (follows is not None and follows.expects) or (
            self.may_be_unknown and bool(self.part.pushed)
        )
        belongs = bool(self.part.review) or expects
        return belongs and bool(self.notifications) and self.cause is None and not self.deliveries[0].act

    @property
    def may_end_reviews(self) -> bool:
        """Whether reviews have to be announced before, and it has not let them pass yet."""
        return (
            bool(self.part.ends and self.notifications) and self.cause is None and not self.deliveries[0].act
        )


def consider(delivery: Waiting, router: Router, memory: History) -> Outcome:
    """What a delivery comes to. StorageError if what is remembered of what it is about cannot be read."""
    event = NO_EVENT
    try:
        event = memory.pipelines.compare(read_event(Payload(read_json(delivery.body)), delivery.event))
        known = memory.merge_requests.of(event)
        part = part_of(event, router.mute, known)
        may_be_unknown = not known and memory.merge_requests.may_be_unknown(event)
        named = merge_requests.named(event, known) if router.mute.push_updates else event
        reason, messages = router.dispatch(named)
    except UnreadableError:
        return Outcome([delivery], [event], "unreadable", "json")
    except HeavyError:
        heavy = Cause("dead.heavy", f"{len(delivery.body)} bytes of it would take too much memory")
        return failed(delivery, router, heavy)
    except StorageError:
        raise
    except Exception as error:
        # One event that cannot be announced is no reason to stop.
        return failed(delivery, router, cause_of(error), event)
    if not messages:
        outcome = reason if reason in ("unsupported", "foreign") else "filtered"
        return Outcome([delivery], [event], outcome, reason, part=part)
    notifications = [Notification(delivery.key, channel, message) for channel, message in messages.items()]
    return Outcome(
        [delivery],
        [event],
        "accepted",
        notifications=notifications,
        part=part,
        digest=digest_of(delivery.body),
        may_be_unknown=may_be_unknown,
    )


def consider_review(deliveries: Sequence[Waiting], router: Router) -> Outcome | None:
    """What the parts of a review come to together; None if they cannot be announced so."""
    try:
        events = [read_event(Payload(read_json(each.body)), each.event) for each in deliveries]
        if len({event.confidential for event in events}) > 1:
            return None  # as a release before kept them together
        messages = router.dispatch_review(events)
    except Exception:
        return None  # whichever is at fault is found when each is processed by itself
    notifications = [
        Notification(deliveries[first].key, channel, message) for first, channel, message in messages
    ]
    return Outcome(deliveries, events, "accepted" if messages else "filtered", notifications=notifications)


def cause_of(error: Exception) -> Cause:
    """An error of the relay's, by its kind and place; its text may hold what was sent."""
    if isinstance(error, RefusedError):
        return Cause("dead.failed", f"the store does not take it ({error})")
    place = traceback.extract_tb(error.__traceback__)[-1]
    return Cause("dead.failed", f"{type(error).__name__} at {place.name}:{place.lineno}")


def failed(delivery: Waiting | Head, router: Router, cause: Cause, event: Event = NO_EVENT) -> Outcome:
    """A delivery that becomes a dead letter, which the channel of all that no route takes gets to hear."""
    everything = router.routes[-1]
    wording = CATALOGUES[router.language_of(everything)]
    why = markup.fill(wording[cause.wording], reason=markup.code(cause.reason, _LONGEST_ERROR))
    text = markup.fill(wording["dead_letter"], cause=why)
    message = Message("Passerelle", ":warning:", summary=text, text=text)
    notices = [Notification(f"dead:{delivery.key}", channel, message) for channel in everything.channels[:1]]
    return Outcome([delivery], [event], "failed", cause.reason, notices, cause)
