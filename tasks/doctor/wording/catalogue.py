"""The shape of a catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Saying:
    """What a finding means and what to do about it; `{name}` stands for a value of the finding."""

    why: str
    remedy: str


@dataclass(frozen=True)
class Catalogue:
    """`phrases` around the findings, the `links` by name, what is said of one that is `broken`, `unclear`, `noted`."""

    phrases: Mapping[str, str]
    links: Mapping[str, str]
    broken: Mapping[str, Saying]
    unclear: Mapping[str, str]
    noted: Mapping[str, str]
