"""What of a project waits for one person, of what they may read there.

GET /projects/:id/merge_requests?reviewer_id=…    whose review they were asked for, as long as it is waited for
GET /projects/:id/merge_requests?assignee_id=…    assigned to them
GET /projects/:id/merge_requests?author_id=…      their own: those whose pipeline has failed, as of the assigned ones
GET /projects/:id/merge_requests/:iid             the newest pipeline of one
GET /projects/:id/issues?assignee_id=…            assigned to them, with a day that they fall due on or without
"""

from collections.abc import Iterator
from datetime import date

from relays.sources.gitlab.accounts import Account, access_to
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.reader import Ask
from relays.sources.gitlab.reminders.reading import Horizon, Reading, day, project_in_use
from relays.sources.gitlab.reminders.things import Thing
from relays.sources.gitlab.rest import PlaceApi, Query
from relays.sources.gitlab.timestamps import moment

# Whoever has more of their own that are open knows it.
_MOST_PIPELINES = 20
_ANY = Horizon(0.0, 0.0, date.max)


def read_own(api: PlaceApi, account: Account, ask: Ask) -> list[Thing]:
    """What waits for somebody in a project; nothing of what they may not read. GitLabError."""
    project = project_in_use(api, ask)
    access = project and access_to(api, project, account, ask)
    if not access or not access.anything:
        return []
    reading = _Own(Reading(api, ask, _ANY), account)
    things = list[Thing]()
    if access.merge_requests:
        things += reading.reviews()
        assigned = list(reading.merge_requests("assignee"))
        things += [
            reading.reading.thing("assigned", each, moment(each.text("created_at"))) for each in assigned
        ]
        if access.pipelines:
            things += reading.red([*assigned, *reading.merge_requests("author")])
    if access.issues:
        things += [each for each in reading.issues() if access.confidential or not each.confidential]
    return things


class _Own:
    """The lists of a project that are of one person. What GitLab lists is looked at once more: it is theirs or not."""

    def __init__(self, reading: Reading, account: Account) -> None:
        self.reading = reading
        self._account = account

    def reviews(self) -> Iterator[Thing]:
        for each in self.merge_requests("reviewer"):
            thing = self.reading.waiting(each)
            if thing and any(person.username == self._account.username for person in thing.people):
                yield thing

    def merge_requests(self, role: str) -> Iterator[Payload]:
        query: Query = {"state": "opened", "scope": "all", f"{role}_id": self._account.id}
        for each in self.reading.all("merge_requests", query):
            people = [each.at("author")] if role == "author" else each.elements(f"{role}s")
            if self._is_among(people):
                yield each

    def issues(self) -> Iterator[Thing]:
        query: Query = {"state": "opened", "scope": "all", "assignee_id": self._account.id}
        for each in self.reading.all("issues", query):
            if self._is_among(each.elements("assignees")):
                since = moment(each.text("created_at"))
                yield self.reading.issue("assigned", each, since, day(each.text("due_date")))

    def red(self, merge_requests: list[Payload]) -> Iterator[Thing]:
        numbers = dict.fromkeys(each.number("iid") for each in merge_requests)
        for iid in list(numbers)[:_MOST_PIPELINES]:
            found = self._merge_request(iid)
            pipeline = found.at("head_pipeline")
            if pipeline.text("status") == "failed":
                thing = self.reading.thing("red", found, moment(pipeline.text("updated_at")))
                yield thing.led_to(pipeline.text("web_url"))

    def _merge_request(self, iid: int) -> Payload:
        api = self.reading.api
        return Payload(self.reading.ask(lambda: api.one(f"merge_requests/{iid}", {}, "merge requests", "")))

    def _is_among(self, people: list[Payload]) -> bool:
        return any(each.number("id") == self._account.id for each in people)
