"""What GitLab could not deliver, from its own log of deliveries: the events of a project hook in the REST API.

    GET /projects/:id/hooks                   the hooks, with the name that ours bears
    GET /projects/:id/hooks/:hook_id/events   its deliveries of the last seven days, newest first (GitLab 17.3)

As GitLab documents it and as its code has it (17.3 to 19.4; the code of 18.4 and 19.x was read):

- A delivery that got no answer (refused, too slow, address blocked) has the status `internal error`; the filter
  `server_failure` selects it together with 500 to 599, `client_failure` selects 400 to 499.
- An entry holds the headers and the body as they were sent, `Idempotency-Key` (17.4) among them. `[REDACTED]` stand
  in it: the secret token, values of custom headers, and each text of the body that is an e-mail address as a whole.
- A body too large for the limit on Sidekiq's jobs (none, unless an administrator sets one) is logged as
  {"oversize": true}; one that the hook's custom template failed to make, as {}.
- `created_at` is when the entry was written, after the delivery had ended: entries do not appear among older ones.
- At most twenty entries a page. Maintainers of the project and administrators may read, with the scope `read_api`.

So everything that is still known of a delivery is in the log. Having GitLab resend it brings nothing more: it sends
what is logged, the marker of an oversize body included, needs the scope `api`, and five a minute are allowed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeGuard

from relays.sources.gitlab.delivery_key import delivery_key, header_event
from relays.sources.gitlab.reader import Ask
from relays.sources.gitlab.rest import GitLabError, PlaceApi, UnreadableError

# Of what GitLab allows, half: a page is held in memory.
PAGE_ENTRIES = 10
_FAILURES, _ANY_STATUS = "client_failure,server_failure", ""
# Of one delivery: pages of as many as GitLab allows, of which so many are looked through from where it should be.
_FOUND_ENTRIES = 20
_FOUND_PAGES = 25
_MOST_PAGES = 65_536
# An entry is written when its delivery has ended, and the clocks differ a little.
_LOGGED_AFTER_SECONDS = 120.0


@dataclass(frozen=True)
class LogEntry:
    """A delivery that failed: its number in the log, when it was logged, its key, its body as JSON, its event."""

    id: int
    logged_at: float
    key: str
    body: str
    event: str


@dataclass(frozen=True)
class LogPage:
    """Entries of a page of the log, and how many more there are on it that cannot be read."""

    entries: Sequence[LogEntry]
    unreadable: int = 0


@dataclass(frozen=True)
class DeliveryLog:
    """The log of the hooks called `hook` of a project or a group.

    A project that is `listed` by its path has such a hook. Its methods raise GitLabError.
    """

    api: PlaceApi
    hook: str
    listed: bool = True

    def hooks(self) -> list[int]:
        """The numbers of the hooks with our name; a project has one hundred hooks at most."""
        refused = (
            f"there is no project {self.api.path} that the token may see: correct the token, or gitlab.project and "
            "gitlab.projects"
        )
        listed = self.api.page("hooks", {"per_page": 100}, "hooks", refused)
        found = [hook["id"] for hook in listed if hook.get("name") == self.hook and _is_id(hook.get("id"))]
        if not found and self.listed:
            raise GitLabError(f"the project has no hook {self.hook}", "run the deploy again")
        return found

    def failures(self, hook: int, page: int, ask: Ask) -> LogPage:
        """A page of the failed deliveries of a hook, newest first; fewer than PAGE_ENTRIES on the last one.

        Each question is put by `ask`: where a delivery is in the way it takes one for each.
        """
        try:
            return LogPage(ask(partial(self._entries, hook, page, PAGE_ENTRIES)))
        except UnreadableError:
            found = self._one_by_one(hook, (page - 1) * PAGE_ENTRIES, ask)
            if not found.entries:
                raise  # it is no single delivery that is in the way
            return found

    def find(self, key: str, near: float, ask: Ask) -> LogEntry | None:
        """The delivery of this key, failed or not, that was logged at about this time or some time before.

        Each question is put by `ask`.
        """
        for hook in ask(self.hooks):
            if found := self._find(hook, key, near + _LOGGED_AFTER_SECONDS, ask):
                return found
        return None

    def _find(self, hook: int, key: str, latest: float, ask: Ask) -> LogEntry | None:
        """Look from the first page on that holds something as old as that; those before it are passed by halves."""

        def entries(page: int) -> list[LogEntry]:
            return ask(partial(self._entries, hook, page, _FOUND_ENTRIES, _ANY_STATUS))

        def is_newer(page: int) -> bool:
            listed = entries(page)
            return bool(listed) and listed[-1].logged_at > latest

        above, first = 0, 1
        while first < _MOST_PAGES and is_newer(first):
            above, first = first, 2 * first
        while first - above > 1:
            middle = (above + first) // 2
            above, first = (middle, first) if is_newer(middle) else (above, middle)
        for page in range(first, first + _FOUND_PAGES):
            listed = entries(page)
            for entry in listed:
                if entry.key == key:
                    return entry
            if len(listed) < _FOUND_ENTRIES:
                break
        return None

    def _one_by_one(self, hook: int, before: int, ask: Ask) -> LogPage:
        """The entries of a page that cannot be read as a whole, after so many others."""
        entries, unreadable = list[LogEntry](), 0
        for place in range(before + 1, before + PAGE_ENTRIES + 1):
            try:
                one = ask(partial(self._entries, hook, place, 1))
            except UnreadableError:
                unreadable += 1
                continue
            if not one:
                break
            entries += one
        return LogPage(entries, unreadable)

    def _entries(self, hook: int, page: int, number: int, status: str = _FAILURES) -> list[LogEntry]:
        only: dict[str, str | int] = {"status": status} if status else {}
        query = {**only, "per_page": number, "page": page}
        refused = "GitLab keeps no log of deliveries: 17.3 or newer is needed"
        try:
            listed = self.api.page(f"hooks/{hook}/events", query, "hooks", refused)
            return [_entry(event) for event in listed]
        except RecursionError:
            raise UnreadableError("an entry is too deep") from None


def _entry(event: Mapping[str, Any]) -> LogEntry:
    number, headers = event.get("id"), event.get("request_headers")
    try:
        logged_at = datetime.fromisoformat(event["created_at"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        logged_at = None
    if not _is_id(number) or not isinstance(headers, dict) or logged_at is None:
        raise GitLabError("the log lacks id, created_at or request_headers", "a newer GitLab is needed")
    data = event.get("request_data")
    texts = {str(name).lower(): value for name, value in headers.items() if isinstance(value, str)}
    sent = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return LogEntry(number, logged_at, delivery_key(texts, sent), _body(data), header_event(texts))


def _body(data: object) -> str:
    """As JSON that UTF-8 can hold: characters as they are, for escaped ones take three times the memory."""
    text = json.dumps(data, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a character, which only an escape can be
        return json.dumps(data)
    return text


def _is_id(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
