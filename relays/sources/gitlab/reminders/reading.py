"""What GitLab's API says of a project becomes things to be reminded of.

    GET /projects/:id                                     whether it is in use, and its default branch
    GET /projects/:id/merge_requests?state=opened         all that are open
    GET /projects/:id/merge_requests/:iid/reviewers       who has yet to review, and since when: where anybody was asked
    GET /projects/:id/merge_requests/:iid/approvals       whether it is approved: where a review is still waited for
    GET /projects/:id/pipelines?ref=…&scope=finished      the last ones of the default branch
    GET /projects/:id/issues?due_date=any                 the earliest due first, up to those that are too late
    GET /projects/:id/milestones?state=active             those of its groups as well

As GitLab documents them for 17.4 and newer, which is what the read token needs anyway. Each list is read page by page,
and what a project does not use is not asked for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from relays.sources.gitlab.noise import is_bot
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.reader import Ask
from relays.sources.gitlab.reminders.things import GitLabUser, Group, Thing
from relays.sources.gitlab.rest import GitLabError, PlaceApi
from relays.sources.gitlab.timestamps import moment

_PER_PAGE = 100
# Ten thousand of a kind are more than anybody is reminded of.
_MOST_PAGES = 100
# How far back it is looked at since when a branch is broken.
_PIPELINES = 20
# States of a reviewer who has yet to review (GitLab's code of 17.4 to 19.4).
_AWAITED = ("unreviewed", "review_started", "unapproved")


@dataclass(frozen=True)
class Horizon:
    """The moment at which it is looked, from when on something that lies still is stale, and what is due soon."""

    now: float
    stale_before: float
    due_until: date


def read_project(api: PlaceApi, horizon: Horizon, ask: Ask) -> list[Thing]:
    """What is worth a reminder in a project; each question is put by `ask`. GitLabError."""
    unknown = f"there is no project {api.path} that the token may see: correct the token, or gitlab.projects"
    project = Payload(ask(lambda: api.one("", {}, "projects", unknown)))
    if project.flag("archived") or any(project.text(f"marked_for_deletion_{at}") for at in ("on", "at")):
        return []
    reading = _Reading(api, horizon, ask)
    things = list[Thing]()
    if _uses(project, "merge_requests"):
        things += reading.merge_requests()
    branch = project.text("default_branch")
    if branch and _uses(project, "builds"):
        things += reading.branch(branch)
    if _uses(project, "issues"):
        things += reading.issues()
    if _uses(project, "issues") or _uses(project, "merge_requests"):
        things += reading.milestones()
    return things


def _uses(project: Payload, feature: str) -> bool:
    return project.text(f"{feature}_access_level") != "disabled"


@dataclass(frozen=True)
class _Reading:
    api: PlaceApi
    horizon: Horizon
    ask: Ask

    def merge_requests(self) -> Iterator[Thing]:
        for each in self._all("merge_requests", {"state": "opened", "scope": "all"}):
            thing = self._waiting(each) or self._stale(each)
            if thing is not None:
                yield thing

    def branch(self, name: str) -> Iterator[Thing]:
        """The default branch, if the last of its pipelines to succeed or fail has failed."""
        query = {"ref": name, "scope": "finished", "order_by": "id", "sort": "desc"}
        listed = map(Payload, self._page("pipelines", {**query, "per_page": _PIPELINES}))
        ended = [each for each in listed if each.text("status") in ("success", "failed")]
        failed = list[Payload]()
        for each in ended:
            if each.text("status") == "success":
                break
            failed.append(each)
        if failed:
            began = moment(failed[-1].text("updated_at"))
            last = failed[0]
            yield Thing(
                *("branch", "pipeline", self.api.path, last.number("id"), name, last.text("web_url")),
                since=began,
                branch=name,
            )

    def issues(self) -> Iterator[Thing]:
        query = {"state": "opened", "scope": "all", "due_date": "any", "order_by": "due_date", "sort": "asc"}
        for each in self._all("issues", query):
            due = _day(each.text("due_date"))
            if due is None:
                continue
            if due > self.horizon.due_until:
                return
            yield Thing(
                *(
                    "due",
                    "issue",
                    self.api.path,
                    each.number("iid"),
                    each.text("title"),
                    each.text("web_url"),
                ),
                due=due,
                people=_people(each.elements("assignees")),
                type=each.text("issue_type"),
                labels=_labels(each),
                # What does not say that it is for everybody is not.
                confidential=each.mapping().get("confidential") is not False,
            )

    def milestones(self) -> Iterator[Thing]:
        for each in self._all("milestones", {"state": "active", "include_ancestors": "true"}):
            due = _day(each.text("due_date"))
            if due is not None and due <= self.horizon.due_until:
                yield Thing(
                    *("due", "milestone", self.api.path, each.number("iid"), each.text("title")),
                    url=each.text("web_url"),
                    due=due,
                )

    def _waiting(self, each: Payload) -> Thing | None:
        """The merge request, if reviewers were asked and have yet to review it, and it is not approved."""
        asked = _people(each.elements("reviewers"), but=each.text("author", "username"))
        if each.flag("draft") or not asked:
            return None
        path = f"merge_requests/{each.number('iid')}"
        awaited = {
            reviewer.text("user", "username"): moment(reviewer.text("created_at"))
            for reviewer in map(Payload, self._page(f"{path}/reviewers", {"per_page": _PER_PAGE}))
            if reviewer.text("state") in _AWAITED
        }
        people = tuple(person for person in asked if person.username in awaited)
        if not people or self._is_approved(path):
            return None
        known = [awaited[person.username] for person in people if awaited[person.username]]
        return self._thing("review", each, min(known, default=moment(each.text("created_at"))), people)

    def _is_approved(self, path: str) -> bool:
        found = Payload(self.ask(lambda: self.api.one(f"{path}/approvals", {}, "approvals", "")))
        # Where no approval is needed, paid editions call a merge request approved that nobody has approved.
        return found.flag("approved") and bool(found.elements("approved_by"))

    def _stale(self, each: Payload) -> Thing | None:
        touched = moment(each.text("updated_at"))
        if not 0 < touched < self.horizon.stale_before:
            return None
        return self._thing("stale", each, touched, _people([each.at("author"), *each.elements("assignees")]))

    def _thing(self, group: Group, each: Payload, since: float, people: tuple[GitLabUser, ...]) -> Thing:
        return Thing(
            *(group, "merge_request", self.api.path, each.number("iid"), each.text("title")),
            url=each.text("web_url"),
            since=since,
            people=people,
            branch=each.text("target_branch"),
            labels=_labels(each),
        )

    def _all(self, path: str, query: Mapping[str, str | int]) -> Iterator[Payload]:
        for number in range(1, _MOST_PAGES + 1):
            page = self._page(path, {**query, "per_page": _PER_PAGE, "page": number})
            yield from map(Payload, page)
            if len(page) < _PER_PAGE:
                return
        raise GitLabError(f"the list of {path} has no end")

    def _page(self, path: str, query: Mapping[str, str | int]) -> list[dict[str, Any]]:
        what = path.rpartition("/")[2].replace("_", " ")
        return self.ask(lambda: self.api.page(path, query, what, ""))


def _people(users: list[Payload], but: str = "") -> tuple[GitLabUser, ...]:
    """Those who can be reminded, each once: no bots, nobody who is blocked, and not whoever is left out."""
    found = {
        user.text("username"): GitLabUser(user.text("username"), user.text("name"))
        for user in users
        if user.text("username") not in ("", but)
        and user.text("state") in ("", "active")
        and not is_bot(user.text("username"))
    }
    return tuple(found.values())


def _labels(each: Payload) -> frozenset[str]:
    return frozenset(label.text() for label in each.elements("labels"))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
