"""What a delivery comes to: the messages of its event, or why there are none."""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass

from relays import markup
from relays.engine import RefusedError, StorageError
from relays.gitlab.dispatch import Dispatcher
from relays.gitlab.event import Event, read_event
from relays.gitlab.payload import Payload
from relays.gitlab.pipelines import Pipelines
from relays.gitlab.reading import HeavyError, UnreadableError, read_json
from relays.gitlab.received import Head, Waiting
from relays.message import Message
from relays.outbox import Notification
from relays.wording import CATALOGUES

_LONGEST_ERROR = 120

NO_EVENT = read_event(Payload(None))


@dataclass(frozen=True)
class Fault:
    """Why a delivery is put aside: the key of its wording, and what an operator reads in the journal and the list."""

    wording: str
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What a delivery comes to: an outcome in a word, why there is no message, and the messages there are.

    With a `fault` it is to be put aside.
    """

    row: int
    key: str
    event: Event
    outcome: str
    reason: str = ""
    notifications: Sequence[Notification] = ()
    fault: Fault | None = None


def consider(delivery: Waiting, dispatcher: Dispatcher, pipelines: Pipelines) -> Outcome:
    """What a delivery comes to. StorageError if what is known of its pipeline cannot be read."""
    event = NO_EVENT
    try:
        event = pipelines.compare(read_event(Payload(read_json(delivery.body))))
        reason, messages = dispatcher.dispatch(event)
    except UnreadableError:
        return Outcome(delivery.row, delivery.key, event, "unreadable", "json")
    except HeavyError:
        heavy = Fault("dead.heavy", f"{len(delivery.body)} characters of it would take too much memory")
        return failed(delivery, dispatcher, heavy)
    except StorageError:
        raise
    except Exception as error:
        # One event that cannot be told is no reason to stop.
        return failed(delivery, dispatcher, fault_of(error), event)
    if not messages:
        outcome = reason if reason in ("unsupported", "foreign") else "filtered"
        return Outcome(delivery.row, delivery.key, event, outcome, reason)
    notifications = [Notification(delivery.key, channel, message) for channel, message in messages.items()]
    return Outcome(delivery.row, delivery.key, event, "accepted", notifications=notifications)


def fault_of(error: Exception) -> Fault:
    """An error of the relay's, by its kind and place; its text may hold what was sent."""
    if isinstance(error, RefusedError):
        return Fault("dead.failed", f"the store does not take it ({error})")
    place = traceback.extract_tb(error.__traceback__)[-1]
    return Fault("dead.failed", f"{type(error).__name__} at {place.name}:{place.lineno}")


def failed(
    delivery: Waiting | Head | Outcome, dispatcher: Dispatcher, fault: Fault, event: Event = NO_EVENT
) -> Outcome:
    """A delivery that is put aside, which the channel of all that no route takes gets to hear."""
    everything = dispatcher.routes[-1]
    wording = CATALOGUES[everything.language]
    cause = markup.fill(wording[fault.wording], reason=markup.code(fault.reason, _LONGEST_ERROR))
    text = markup.fill(wording["dead_letter"], cause=cause)
    message = Message("Passerelle", ":warning:", summary=text, text=text)
    told = [Notification(f"dead:{delivery.key}", channel, message) for channel in everything.channels[:1]]
    return Outcome(delivery.row, delivery.key, event, "failed", fault.reason, told, fault)
