"""A server that cannot be asked: said in the journal when that begins or changes, and when it is over."""

import logging

log = logging.getLogger(__name__)


class Trouble:
    """Of `what`, and `where` if there are several. `retry` is what happens by itself, `meanwhile` what comes of it."""

    def __init__(self, what: str, *, retry: str, meanwhile: str, where: str = "") -> None:
        self._what = what
        self._where = f" {where}" if where else ""
        self._retry = retry
        self._meanwhile = meanwhile
        self._reason = ""

    def report(self, reason: str = "", remedy: str = "") -> None:
        """Why there is no answer, and what helps if it is in somebody's hands; nothing if all is well."""
        if reason == self._reason:
            return
        self._reason = reason
        if not reason:
            log.info("%s works again%s", self._what, self._where)
            return
        log.log(
            logging.ERROR if remedy else logging.WARNING,
            "%s trouble%s reason=%s: %s; %s",
            self._what,
            self._where,
            reason,
            remedy or self._retry,
            self._meanwhile,
        )
