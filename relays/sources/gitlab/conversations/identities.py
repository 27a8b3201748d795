"""Who somebody of GitLab is in Mattermost: as the site says, else by the same e-mail address, else by the same name.

Only where that is beyond doubt: not if the one found is, as far as is known, somebody else's, nor if the names are the
same and the addresses are known not to be.
"""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from relays.mattermost.directory import Directory, Member
from relays.mattermost.settings import is_person
from relays.sources.gitlab.people import UserNames

# Whoever is found stays found for a day; who is not may get an account, or the name may be corrected.
_KEEP_FOUND = 24 * 3600.0
_KEEP_MISSING = 600.0
_MOST = 5_000


class _Known(NamedTuple):
    name: str | None
    by_email: bool
    until: float
    has_to_know: bool


class Identities:
    """What is known, and how to find more; `directory` is None if nobody can be asked. For several threads."""

    def __init__(
        self,
        people: UserNames,
        directory: Directory | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._people = {user.lower(): name for user, name in people.items()}
        self._taken = set(people.values())
        self._directory = directory
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._wanted: dict[str, None] = {}

    def known(self, user: str) -> str | None:
        """The name in Mattermost of a user of GitLab, as far as that is known without asking; None if it is not.

        Whoever is not known is looked for at the next `look`.
        """
        user = user.lower()
        if user in self._people:
            return self._people[user]
        with self._lock:
            known = self._fresh(user)
            if known is None and len(self._wanted) < _MOST:
                self._wanted[user] = None
            return known and known.name

    def look(self) -> bool:
        """Look for one of those who were asked for; whether there was one. NoAnswerError."""
        with self._lock:
            user = next(iter(self._wanted), None)
        if user is None:
            return False
        self._find(user, "", has_to_know=False)
        with self._lock:
            self._wanted.pop(user, None)
        return True

    def find(self, user: str, email: str = "") -> str | None:
        """The name in Mattermost of a user of GitLab with this address; None if there is nobody. NoAnswerError."""
        return self._find(user.lower(), email, has_to_know=True)

    def _find(self, user: str, email: str, *, has_to_know: bool) -> str | None:
        if user in self._people:
            return self._people[user]
        with self._lock:
            known = self._fresh(user)
            if known is not None and has_to_know and not known.has_to_know:
                known = self._known[user] = known._replace(has_to_know=True)
        if known is None or (known.name is None and email):
            by_email = self._asked_by_email(email)
            member = by_email or self._asked_by_name(user, email)
            with self._lock:
                known = self._keep(user, member, by_email is not None, has_to_know)
        return known.name

    def missing(self) -> list[str]:
        """The users of GitLab who were to get a direct message and are nobody in Mattermost, in order.

        Not whatever a comment has an @ before.
        """
        with self._lock:
            return sorted(
                user for user, known in self._known.items() if known.name is None and known.has_to_know
            )

    def _asked_by_email(self, email: str) -> Member | None:
        # GitLab hides an address as "[REDACTED]".
        return self._directory.by_email(email) if self._directory and "@" in email else None

    def _asked_by_name(self, user: str, email: str) -> Member | None:
        member = self._directory.by_name(user) if self._directory and is_person(user) else None
        if member and member.email and "@" in email and member.email.lower() != email.lower():
            return None
        return member

    def _fresh(self, user: str) -> _Known | None:
        known = self._known.get(user)
        return known if known and self._clock() < known.until else None

    def _keep(self, user: str, member: Member | None, by_email: bool, has_to_know: bool) -> _Known:
        name = member.name if member and is_person(member.name) else None
        if name in self._taken:
            name = None
        holder = next(
            (other for other, each in self._known.items() if each.name == name and other != user), None
        )
        if name is not None and holder is not None:
            if by_email and not self._known[holder].by_email:
                # Who bears the name by chance only is somebody else.
                self._known[holder] = self._known[holder]._replace(name=None)
            else:
                name = None
        if len(self._known) >= _MOST:
            self._known.clear()
        until = self._clock() + (_KEEP_MISSING if name is None else _KEEP_FOUND)
        self._known[user] = _Known(name, by_email, until, has_to_know)
        return self._known[user]
