"""Secrets made unreadable in what is kept as evidence."""

import re
from collections.abc import Iterable

from tasks.operations.masking import HIDDEN, Mask

# Of what anybody may have printed, rather too much than too little.
_PATTERNS = (
    (re.compile(r"(?i)\b(basic|bearer) [\w+/=.-]{6,}"), rf"\1 {HIDDEN}"),
    # NAME=value, "name": "value", Name: value
    (
        re.compile(
            r"""(?i)([\w-]*(?:token|password|secret)[\w-]*["']?\s*[=:]\s*["']?)(?!true|false|null|\d+\b)[^\s"',;&•]{6,}"""
        ),
        rf"\1{HIDDEN}",
    ),
)


def evidence_mask(secrets: Iterable[str] = ()) -> Mask:
    """A mask for what is kept: it hides these secrets and all that could be one."""
    return Mask(secrets, _PATTERNS)
