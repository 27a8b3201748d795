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
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, TypeGuard
from urllib.parse import quote

import requests
from pydantic import AfterValidator, Field

from relays.base import tls
from relays.base.addresses import BaseUrl
from relays.base.bounded_json import HeavyError, read_json
from relays.base.errors import explain
from relays.base.schema import Section, Shown
from relays.base.settings import StartError, read_optional_secret
from relays.sources.gitlab.delivery_key import delivery_key, header_event
from relays.sources.gitlab.projects import ProjectPath

# Of what GitLab allows, half: a page is held in memory.
PAGE_ENTRIES = 10
_LARGEST_PAGE = 32 * 1024 * 1024
_SETTING = "gitlab.url"
_TIMEOUT = (5.0, 15.0)
_PAGE_SECONDS = 60.0


def _some(projects: tuple[str, ...]) -> tuple[str, ...]:
    if not projects:
        raise ValueError("names no project: name one, or remove the table and the credential")
    return projects


class DeliveryLogSettings(Section):
    """Where GitLab's log of deliveries is."""

    url: BaseUrl = Field(description="address of GitLab")
    projects: Annotated[tuple[ProjectPath, ...], AfterValidator(_some)] = Field(
        description="those of the site by their full paths"
    )
    hook: Shown = Field(description="name of their hook")


class DeliveryLogError(Exception):
    """The log cannot be read now: the reason, and the remedy if it is in somebody's hands."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy


class _UnreadableError(DeliveryLogError):
    """What GitLab answers is more than can be read, or is not what it should be."""


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
    """The log of the hooks called `hook` of a project; for `ca` see base.tls. Its methods raise DeliveryLogError."""

    url: str
    project: str
    hook: str
    token: str
    ca: Path | None = None

    def hooks(self) -> list[int]:
        """The numbers of the hooks with our name; a project has one hundred hooks at most."""
        refused = (
            f"there is no project {self.project} that the token may see: correct the token, or gitlab.project and "
            "gitlab.projects"
        )
        listed = self._get("hooks", {"per_page": 100}, refused)
        found = [hook["id"] for hook in listed if hook.get("name") == self.hook and _is_id(hook.get("id"))]
        if not found:
            raise DeliveryLogError(f"the project has no hook {self.hook}", "run the deploy again")
        return found

    def failures(self, hook: int, page: int) -> LogPage:
        """A page of the failed deliveries of a hook, newest first; fewer than PAGE_ENTRIES on the last one."""
        try:
            return LogPage(self._entries(hook, page, PAGE_ENTRIES))
        except _UnreadableError:
            found = self._one_by_one(hook, (page - 1) * PAGE_ENTRIES)
            if not found.entries:
                raise  # it is no single delivery that is in the way
            return found

    def _one_by_one(self, hook: int, before: int) -> LogPage:
        """The entries of a page that cannot be read as a whole, after so many others."""
        entries, unreadable = list[LogEntry](), 0
        for place in range(before + 1, before + PAGE_ENTRIES + 1):
            try:
                one = self._entries(hook, place, 1)
            except _UnreadableError:
                unreadable += 1
                continue
            if not one:
                break
            entries += one
        return LogPage(entries, unreadable)

    def _entries(self, hook: int, page: int, number: int) -> list[LogEntry]:
        query: dict[str, str | int] = {
            "status": "client_failure,server_failure",
            "per_page": number,
            "page": page,
        }
        refused = "GitLab keeps no log of deliveries: 17.3 or newer is needed"
        try:
            return [_entry(event) for event in self._get(f"hooks/{hook}/events", query, refused)]
        except RecursionError:
            raise _UnreadableError("an entry is too deep") from None

    def _get(self, path: str, query: Mapping[str, str | int], unknown: str) -> list[dict[str, Any]]:
        address = f"{self.url}/api/v4/projects/{quote(self.project, safe='')}/{path}"
        try:
            with (
                self._session() as session,
                session.get(
                    address,
                    params=query,
                    headers={"PRIVATE-TOKEN": self.token},
                    timeout=_TIMEOUT,
                    # The token is for this address alone.
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                if response.status_code != HTTPStatus.OK:
                    raise _refusal(response, unknown)
                content = _read(response)
        except requests.RequestException as error:
            raise DeliveryLogError(*explain(error, _SETTING)) from None
        try:
            listed = read_json(content.decode())
        except HeavyError:
            raise _UnreadableError("the answer is too large") from None
        except ValueError:
            listed = None
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise _UnreadableError("the answer is not GitLab's", "correct gitlab.url")
        return listed

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.mount("https://", tls.TlsAdapter(self.ca))
        return session


def read_hook_logs(
    table: DeliveryLogSettings | None, credentials: Path, ca: Path | None = None
) -> list[DeliveryLog]:
    """The logs that the table [gitlab] and the credential `gitlab-read-token` lead to; none if both are missing.

    For `ca` see relays.base.tls. StartError if only one of them is there or the credential cannot be used.
    """
    token = read_optional_secret(credentials, "gitlab-read-token")
    if table is None:
        if token is not None:
            raise StartError(
                "gitlab-read-token is there, but the settings have no [gitlab]: add url, projects and hook, "
                "or remove the credential"
            )
        return []
    if token is None:
        raise StartError(
            f"{credentials / 'gitlab-read-token'} is missing while the settings have [gitlab]: write a token with the "
            "scope read_api into it, or remove the table"
        )
    if not re.fullmatch(r"[!-~]+", token):
        raise StartError(f"{credentials / 'gitlab-read-token'} is not a token (value not shown): correct it")
    return [DeliveryLog(table.url, project, table.hook, token, ca) for project in table.projects]


def _read(response: requests.Response) -> bytearray:
    content = bytearray()
    deadline = time.monotonic() + _PAGE_SECONDS
    for chunk in response.iter_content(65536):
        content += chunk
        if len(content) > _LARGEST_PAGE:
            raise _UnreadableError("the answer is too large")
        if time.monotonic() > deadline:
            raise DeliveryLogError("no answer in time")
    return content


def _refusal(response: requests.Response, unknown: str) -> DeliveryLogError:
    status = response.status_code
    if status == HTTPStatus.BAD_REQUEST and tls.refuses_plain_http(status, bytes(_read(response))):
        fault = tls.FAULTS["https"]
        return DeliveryLogError(fault.what, fault.remedy.format(setting=_SETTING))
    may = "make one with the role Maintainer and the scope read_api, set gitlab.read_token and run the deploy again"
    remedies: dict[int, str] = {
        HTTPStatus.UNAUTHORIZED: f"the token is wrong, revoked or out of date: {may}",
        HTTPStatus.FORBIDDEN: f"the token may not read hooks: {may}",
        HTTPStatus.NOT_FOUND: unknown,
    }
    if 300 <= status < 400:
        return DeliveryLogError(f"HTTP {status}", "it leads elsewhere: set gitlab.url to where it leads")
    return DeliveryLogError(f"HTTP {status}", remedies.get(status, ""))


def _entry(event: Mapping[str, Any]) -> LogEntry:
    number, headers = event.get("id"), event.get("request_headers")
    try:
        logged_at = datetime.fromisoformat(event["created_at"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        logged_at = None
    if not _is_id(number) or not isinstance(headers, dict) or logged_at is None:
        raise DeliveryLogError("the log lacks id, created_at or request_headers", "a newer GitLab is needed")
    data = event.get("request_data")
    texts = {str(name).lower(): value for name, value in headers.items() if isinstance(value, str)}
    sent = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return LogEntry(number, logged_at, delivery_key(texts, sent), json.dumps(data), header_event(texts))


def _is_id(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
