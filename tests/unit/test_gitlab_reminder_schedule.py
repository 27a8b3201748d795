"""Which day's reminders are due when: kinds of days, time zones, nights in which the clocks change."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from relays.sources.gitlab.reminders.schedule import Schedule
from relays.sources.gitlab.reminders.settings import Reminders


def schedule(at: str = "08:30", zone: str = "Europe/Paris", *days: str) -> Schedule:
    said = {"at": at, "timezone": zone} | ({"days": days} if days else {})
    return Schedule.of(Reminders.model_validate(said))


def utc(text: str) -> float:
    return datetime.fromisoformat(f"{text}Z").timestamp()


# A Friday, a Saturday, a Sunday, a Monday.
FRI, SAT, SUN, MON = (date(2026, 11, day) for day in (27, 28, 29, 30))


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        ("2026-11-27T00:00", None),
        ("2026-11-27T07:29:59", None),
        ("2026-11-27T07:30", FRI),
        ("2026-11-27T15:00", FRI),  # down in the morning
        ("2026-11-27T22:59:59", FRI),
        ("2026-11-27T23:00", None),  # it is Saturday there: yesterday's are not said any more
        ("2026-11-28T12:00", None),
        ("2026-11-29T12:00", None),
        ("2026-11-30T07:29", None),
        ("2026-11-30T07:30", MON),
    ],
)
def test_reminders_are_due_from_their_hour_until_the_day_ends(moment: str, due: date | None) -> None:
    assert schedule().due(utc(moment)) == due


@pytest.mark.parametrize(
    ("zone", "hour"),
    [
        ("UTC", "2026-11-27T08:30"),
        ("Europe/Paris", "2026-11-27T07:30"),
        ("Indian/Reunion", "2026-11-27T04:30"),
        ("Indian/Kerguelen", "2026-11-27T03:30"),
        ("Asia/Kathmandu", "2026-11-27T02:45"),
        ("Pacific/Kiritimati", "2026-11-26T18:30"),
        ("America/Cayenne", "2026-11-27T11:30"),
        ("Pacific/Pago_Pago", "2026-11-27T19:30"),
    ],
)
def test_the_hour_is_that_of_the_zone(zone: str, hour: str) -> None:
    there = schedule(zone=zone)
    assert there.hour_of(FRI) == utc(hour)
    assert there.due(utc(hour)) == FRI
    assert there.due(utc(hour) - 1) != FRI


@pytest.mark.parametrize(
    ("zone", "at", "day", "hour"),
    [
        # Two o'clock becomes three: half past two is when it would have been.
        ("Europe/Paris", "02:30", date(2026, 3, 29), "2026-03-29T01:30"),
        ("Europe/Paris", "02:00", date(2026, 3, 29), "2026-03-29T01:00"),
        ("Europe/Paris", "08:30", date(2026, 3, 29), "2026-03-29T06:30"),
        # Three o'clock becomes two: half past two comes twice, and the first one counts.
        ("Europe/Paris", "02:30", date(2026, 10, 25), "2026-10-25T00:30"),
        ("Europe/Paris", "08:30", date(2026, 10, 25), "2026-10-25T07:30"),
        # Midnight becomes one o'clock: the day begins an hour late.
        ("America/Santiago", "00:15", date(2026, 9, 6), "2026-09-06T04:15"),
        ("Africa/Cairo", "00:00", date(2026, 4, 24), "2026-04-23T22:00"),
        # Eleven in the evening becomes midnight: the day ends an hour early, and half past eleven is not in it.
        ("America/Scoresbysund", "23:30", date(2026, 3, 28), "2026-03-29T00:00"),
        # Half an hour only.
        ("Australia/Lord_Howe", "02:15", date(2026, 10, 4), "2026-10-03T15:45"),
    ],
)
def test_nights_in_which_the_clocks_change(zone: str, at: str, day: date, hour: str) -> None:
    """It is due on every such day, once: from one moment on, and on no other day."""
    every_day = schedule(at, zone, "mon", "tue", "wed", "thu", "fri", "sat", "sun")
    assert every_day.hour_of(day) == utc(hour)
    begins = datetime.combine(day, time(), ZoneInfo(zone)).timestamp() - 3 * 3600
    found = [every_day.due(begins + 60 * minute) for minute in range(30 * 60)]
    assert day in found
    first = found.index(day)
    last = len(found) - 1 - found[::-1].index(day)
    assert set(found[first : last + 1]) == {day}


@pytest.mark.parametrize(
    ("days", "day", "following"),
    [
        (("mon", "tue", "wed", "thu", "fri"), FRI, MON),
        (("mon", "tue", "wed", "thu", "fri"), MON, date(2026, 12, 1)),
        (("mon",), MON, date(2026, 12, 7)),
        (("sat", "sun"), SAT, SUN),
    ],
)
def test_what_is_due_by_the_next_reminders_is_due_soon(
    days: tuple[str, ...], day: date, following: date
) -> None:
    assert schedule("08:30", "Europe/Paris", *days).next_after(day) == following


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        ("2026-11-27T07:29:55", 5),
        ("2026-11-27T07:00", 20),
        ("2026-11-27T07:30", 20),
        ("2026-11-28T07:29:50", 10),
    ],
)
def test_it_is_looked_at_the_hour_and_now_and_then(moment: str, seconds: float) -> None:
    assert schedule().seconds_until(utc(moment), 20) == seconds
