"""The answer of what succeeds without anything to show."""

from __future__ import annotations

OK = {"status": "OK"}
