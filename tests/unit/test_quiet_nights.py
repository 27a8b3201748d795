"""Quiet times in the nights in which clocks change: zones, both nights, times about the change, by what clocks show.

Of each the moments of a day before and after are looked at, a quarter of an hour apart.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import pairwise, permutations
from zoneinfo import ZoneInfo

import pytest

from relays.base.clocks import moment_of
from relays.sources.gitlab.notify_choices import NotifyChoice

ZONES = (
    "Europe/Paris",
    "America/St_Johns",
    "America/Santiago",  # at midnight
    "Africa/Cairo",  # on Fridays
    "America/Scoresbysund",  # before midnight
    "Atlantic/Azores",
    "Australia/Lord_Howe",  # by half an hour
    "Antarctica/Troll",  # by two hours
)
_QUARTER = 900.0
_DAY = 86400.0


def offset(moment: float, zone: ZoneInfo) -> timedelta:
    found = datetime.fromtimestamp(moment, zone).utcoffset()
    assert found is not None
    return found


def changes(name: str) -> Iterator[float]:
    """The moments of a year at which the clocks of a zone change."""
    zone, begins = ZoneInfo(name), datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp()
    for before, after in pairwise(begins + _DAY * number for number in range(366)):
        if offset(before, zone) != offset(after, zone):
            within = (before + _QUARTER * number for number in range(97))
            yield next(moment for moment in within if offset(moment, zone) == offset(after, zone))


NIGHTS = [
    pytest.param(name, change, id=f"{name} {datetime.fromtimestamp(change, ZoneInfo(name)):%d.%m.}")
    for name in ZONES
    for change in changes(name)
]


def shown(moment: float, zone: ZoneInfo) -> time:
    return datetime.fromtimestamp(moment, zone).time()


def is_quiet(at: time, begins: time, ends: time) -> bool:
    return begins <= at < ends if begins < ends else at >= begins or at < ends


def test_all_zones_change_twice() -> None:
    assert len(NIGHTS) == 2 * len(ZONES)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("weekends", ["on", "off"])
@pytest.mark.parametrize(("name", "change"), NIGHTS)
def test_what_comes_in_such_a_night_waits_as_long_as_is_said(name: str, change: float, weekends: str) -> None:
    """Never for ever, each after what came before it, and not within a quiet time, but for the time of the change."""
    zone = ZoneInfo(name)
    by = abs(offset(change, zone) - offset(change - 1, zone)).total_seconds()
    about = {shown(change + minutes * 60, zone) for minutes in range(-90, 91, 30)} | {time(19), time(8)}
    moments = [change - _DAY + _QUARTER * number for number in range(int(2 * _DAY / _QUARTER))]
    for begins, ends in permutations(sorted(about), 2):
        chosen = NotifyChoice("leo", "site", f"{begins:%H:%M}-{ends:%H:%M}", weekends, name, 0.0)
        until = {moment: chosen.quiet_until(moment) for moment in moments}
        assert all(end >= moment for moment, end in until.items())
        assert all(before <= after for before, after in pairwise(until.values()))
        for moment in set(until.values()):
            assert chosen.quiet_until(moment) == moment
            here = datetime.fromtimestamp(moment, zone)
            assert weekends == "on" or here.weekday() < 5
            # What is said may have been over, or not begun, by as much as the clocks change.
            near = (moment - by, moment, moment + by)
            assert not all(is_quiet(shown(each, zone), begins, ends) for each in near), (begins, ends, here)
        # The longest quiet time leaves half an hour of a day, which the change may take; then comes a weekend.
        longest = 2 * _DAY + by + (2 * _DAY if weekends == "off" else 0)
        assert max(end - moment for moment, end in until.items()) <= longest


@pytest.mark.parametrize(
    ("day", "at", "first", "last"),
    [
        ("2026-10-25", "02:30", "2026-10-25T00:30Z", "2026-10-25T01:30Z"),
        ("2026-10-25", "03:00", "2026-10-25T02:00Z", "2026-10-25T02:00Z"),
        ("2026-03-29", "02:30", "2026-03-29T01:30Z", "2026-03-29T01:30Z"),
        ("2026-11-28", "02:30", "2026-11-28T01:30Z", "2026-11-28T01:30Z"),
    ],
)
def test_what_clocks_show_is_a_moment(day: str, at: str, first: str, last: str) -> None:
    of = (datetime.fromisoformat(day).date(), time.fromisoformat(at), ZoneInfo("Europe/Paris"))
    assert moment_of(*of) == datetime.fromisoformat(first).timestamp()
    assert moment_of(*of, last=True) == datetime.fromisoformat(last).timestamp()


@pytest.mark.parametrize(
    ("quiet", "moment", "until"),
    [
        # The end comes twice: at the second one, however late in the first hour something comes.
        ("22:00-02:30", "2026-10-25T00:15Z", "2026-10-25T01:30Z"),
        ("22:00-02:30", "2026-10-25T00:45Z", "2026-10-25T01:30Z"),
        ("22:00-02:30", "2026-10-25T01:15Z", "2026-10-25T01:30Z"),
        ("22:00-02:30", "2026-10-25T01:30Z", "2026-10-25T01:30Z"),
        # The begin comes twice: at the first one.
        ("02:30-08:00", "2026-10-25T00:15Z", "2026-10-25T00:15Z"),
        ("02:30-08:00", "2026-10-25T01:15Z", "2026-10-25T07:00Z"),
        # There is no such end, and no such begin: as long after midnight as said.
        ("22:00-02:30", "2026-03-28T23:00Z", "2026-03-29T01:30Z"),
        ("22:00-02:30", "2026-03-29T01:15Z", "2026-03-29T01:30Z"),
        ("02:30-08:00", "2026-03-29T01:15Z", "2026-03-29T01:15Z"),
        ("02:30-08:00", "2026-03-29T01:30Z", "2026-03-29T06:00Z"),
        # All of it in the hour that is left out, and in the one that comes twice.
        ("02:15-02:45", "2026-03-29T01:20Z", "2026-03-29T01:45Z"),
        ("02:15-02:45", "2026-10-25T00:50Z", "2026-10-25T01:45Z"),
    ],
)
def test_a_night_in_paris(quiet: str, moment: str, until: str) -> None:
    chosen = NotifyChoice("leo", "site", quiet, "on", "Europe/Paris", 0.0)
    assert chosen.quiet_until(datetime.fromisoformat(moment).timestamp()) == (
        datetime.fromisoformat(until).timestamp()
    )
