"""The way of a notification as a chain of links, judged in order: the first one that is broken is the cause.

A link is one function: it looks (tasks.doctor.look) and answers what it found, None for a sound link. It names the
links without which it cannot be judged. Nothing that it does may change or post anything.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any

from relays.base.tls import Fault
from tasks.doctor.look import Look
from tasks.operations.api import ApiError
from tasks.operations.resource import ResourceError


@dataclass(frozen=True)
class Broken:
    """The link does not hold. `code` leads to the finding's wording, `values` go into it."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unclear:
    """The link cannot be judged, and no other link is at fault."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Behind:
    """The link cannot be judged because of a broken one, the link `cause`."""

    cause: str


@dataclass(frozen=True)
class Noted:
    """The link holds, within a limit that people ought to know."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)


Finding = Broken | Unclear | Behind | Noted | None
Check = Callable[[Look], Broken | Unclear | Noted | None]


@dataclass(frozen=True)
class Link:
    """A link, its check, and the links that must be sound before it can be judged."""

    name: str
    needs: tuple[str, ...]
    check: Check


@dataclass(frozen=True)
class Verdict:
    """What was found at a link."""

    link: str
    finding: Finding


class Links:
    """The links of one application, in the order in which their functions are written."""

    def __init__(self) -> None:
        self._links: list[Link] = []

    def add(self, name: str, *needs: str) -> Callable[[Check], Check]:
        """Make a link of the function; `needs` name links that come before it."""

        def register(check: Check) -> Check:
            self._links.append(Link(name, needs, check))
            return check

        return register

    def __iter__(self) -> Iterator[Link]:
        return iter(self._links)


def on_disk(check: Check) -> Check:
    """A check of what only matters where the trees are watched on the host's disk; elsewhere all is well with it."""

    @wraps(check)
    def judge(look: Look) -> Broken | Unclear | Noted | None:
        return check(look) if look.site.nextcloud.source == "disk" else None

    return judge


def of_each_project(check: Callable[[Look, str], Broken | Unclear | None]) -> Check:
    """A check of each of GitLab's projects; what is found names the first one that is not sound."""

    @wraps(check)
    def judge(look: Look) -> Broken | Unclear | None:
        for project in look.projects:
            finding = check(look, project)
            if finding is not None:
                return replace(finding, values={**finding.values, "project": project})
        return None

    return judge


def broken(code: str, **values: Any) -> Broken:
    """A broken link with the values of its wording."""
    return Broken(code, values)


def distrusted(application: str, fault: Fault, look: Look) -> Broken:
    """The TLS of an application, which is a section of the settings, is not in order."""
    url = getattr(look.site, application).url
    return broken(f"tls.{fault.code}", url=url, setting=f"{application}.url", detail=fault.detail)


def unclear(code: str, **values: Any) -> Unclear:
    """A link that cannot be judged, with the values of its wording."""
    return Unclear(code, values)


def noted(code: str, **values: Any) -> Noted:
    """A link that holds within a limit, with the values of its wording."""
    return Noted(code, values)


def walk(links: Iterable[Link], look: Look) -> list[Verdict]:
    """Judge each link that does not lie behind a broken one."""
    found: dict[str, Finding] = {}
    for link in links:
        found[link.name] = _cause(link, found) or _judge(link, look)
    return [Verdict(name, finding) for name, finding in found.items()]


def unreached(links: Iterable[Link], finding: Broken) -> list[Verdict]:
    """The first link is broken, and all the others lie behind it."""
    first, *others = links
    return [Verdict(first.name, finding), *[Verdict(link.name, Behind(first.name)) for link in others]]


def _cause(link: Link, found: dict[str, Finding]) -> Behind | None:
    for name in link.needs:
        finding = found[name]
        if isinstance(finding, Broken):
            return Behind(name)
        if isinstance(finding, Behind):
            return finding
    return None


def _judge(link: Link, look: Look) -> Broken | Unclear | Noted | None:
    try:
        return link.check(look)
    except ResourceError as error:
        # As the deploy words it: the section of the settings, a colon, what is wrong and the remedy.
        section, _, detail = str(error).partition(": ")
        if isinstance(error, ApiError) and error.fault:
            return distrusted(section, error.fault, look)
        return broken(f"{section}.api", detail=detail)
