"""What the relays say, in one catalogue per language with the same keys."""

from collections.abc import Mapping
from math import ceil
from typing import Literal

from relays.wording import commands_en, commands_fr, en, fr, subscriptions_en, subscriptions_fr

Wording = Mapping[str, str]
Language = Literal["fr", "en"]

DEFAULT_LANGUAGE: Language = "fr"
CATALOGUES: Mapping[str, Wording] = {
    "fr": fr.TEXTS | commands_fr.TEXTS | subscriptions_fr.TEXTS,
    "en": en.TEXTS | commands_en.TEXTS | subscriptions_en.TEXTS,
}


def age(wording: Wording, seconds: float) -> str:
    """A span of time in words, in its largest unit."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {wording[f'unit.{unit}']}"
    return f"{max(0, int(seconds))} {wording['unit.second']}"


def remaining(wording: Wording, seconds: float) -> str:
    """What is left of a span of time in words, to the minute, in two units at most; one that begins is a whole one."""
    minutes = max(1, ceil(seconds / 60))
    counts = {"day": minutes // 1440, "hour": minutes // 60 % 24, "minute": minutes % 60}
    units = [*counts]
    first = next(place for place, unit in enumerate(units) if counts[unit])
    shown = [unit for unit in units[first : first + 2] if counts[unit]]
    return " ".join(f"{counts[unit]} {wording[f'unit.{unit}']}" for unit in shown)


def counted(wording: Wording, key: str, count: int) -> str:
    """The wording for one of something, or for another number; for none, where that has one of its own."""
    if count == 0 and f"{key}.none" in wording:
        return wording[f"{key}.none"]
    return wording[f"{key}.{'one' if count == 1 else 'many'}"]


def held_up(wording: Wording, channel: str, reason: str, by: str) -> str:
    """That a channel is held up ("@": direct messages), and why; `by` is "hook" or "bot", whichever posts."""
    is_answer = reason.startswith("HTTP ")
    status = reason[len("HTTP ") :][:3]
    cause = (
        wording.get(f"held.{by}.{status}", wording["held.other"]) if is_answer else wording["held.connection"]
    )
    form = wording["status.held.direct" if channel == "@" else "status.held"]
    return form.format(channel=channel, cause=cause, reason=f"HTTP {status}" if is_answer else reason)
