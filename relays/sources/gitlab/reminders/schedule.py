"""When reminders are due: on some days of the week, from a time of day until the day ends, as the clocks there show."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from relays.base.clocks import moment_of
from relays.sources.gitlab.reminders.settings import DAYS, Reminders

# Where the clocks leap over the rest of a day: as long before its end.
_LAST = 3600.0


@dataclass(frozen=True)
class Schedule:
    """The time of day, the days as numbers from Monday, and the zone; moments are seconds since the epoch."""

    at: time
    days: frozenset[int]
    zone: ZoneInfo

    @classmethod
    def of(cls, settings: Reminders) -> "Schedule":
        """As a site says it."""
        return cls(settings.time, frozenset(map(DAYS.index, settings.days)), ZoneInfo(settings.timezone))

    def day_of(self, moment: float) -> date:
        """The day that it is there."""
        return datetime.fromtimestamp(moment, self.zone).date()

    def due(self, moment: float) -> date | None:
        """The day whose reminders are due at a moment: today, once its hour has come. None if none are."""
        day = self.day_of(moment)
        return day if day.weekday() in self.days and moment >= self.hour_of(day) else None

    def hour_of(self, day: date) -> float:
        """When the reminders of a day become due."""
        hour, ends = (
            moment_of(day, self.at, self.zone),
            moment_of(day + timedelta(1), time(), self.zone),
        )
        return hour if hour < ends else ends - _LAST

    def next_after(self, day: date) -> date:
        """The next day with reminders."""
        return next(
            later for later in (day + timedelta(n) for n in range(1, 8)) if later.weekday() in self.days
        )

    def seconds_until(self, moment: float, most: float) -> float:
        """How long to wait until something may become due, and no longer than `most`."""
        ahead = self.hour_of(self.day_of(moment)) - moment
        return min(ahead, most) if ahead > 0 else most
