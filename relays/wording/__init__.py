"""What the relays say, in one catalogue per language with the same keys."""

from collections.abc import Mapping
from typing import Literal

from relays.wording import en, fr

Wording = Mapping[str, str]
Language = Literal["fr", "en"]

DEFAULT_LANGUAGE: Language = "fr"
CATALOGUES: Mapping[str, Wording] = {"fr": fr.TEXTS, "en": en.TEXTS}


def age(wording: Wording, seconds: float) -> str:
    """A span of time in words, in its largest unit."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {wording[f'unit.{unit}']}"
    return f"{max(0, int(seconds))} {wording['unit.second']}"
