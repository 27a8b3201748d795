"""Secrets made unreadable in what is shown or kept."""

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

HIDDEN = "•••"

# (what looks like a secret, what is left of it)
Pattern = tuple[re.Pattern[str], str]
_PATTERNS: tuple[Pattern, ...] = (
    # Mattermost's ids: that of an incoming webhook is its secret. Two ids can still be compared.
    (re.compile(r"(?<![0-9A-Za-z])([a-z0-9]{4})[a-z0-9]{22}(?![0-9A-Za-z])"), rf"\1{HIDDEN}"),
    # The prefixes that GitLab gives its tokens, and that of Standard Webhooks.
    (re.compile(r"\b(gl[a-z]{2,6}-|whsec_)[\w+/=.-]{8,}"), rf"\1{HIDDEN}"),
    (re.compile(r"(://[^/\s:@]+:)[^/\s@]+@"), rf"\1{HIDDEN}@"),
)


class Mask:
    """Hides these secrets, and whatever looks like one or fits one of `patterns`."""

    def __init__(self, secrets: Iterable[str] = (), patterns: Iterable[Pattern] = ()) -> None:
        self._patterns = (*_PATTERNS, *patterns)
        self._forms: set[str] = set()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hide this from now on, also as it is written in URLs and in JSON."""
        self._forms |= {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}

    @property
    def secrets(self) -> list[str]:
        """All that is hidden by its value, the longest first: one may be part of another."""
        return sorted(filter(None, self._forms), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        for pattern, replacement in self._patterns:
            text = pattern.sub(replacement, text)
        return text
