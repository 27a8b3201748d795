"""What somebody is shown of what waits for them in GitLab: what is theirs, and nothing that they may not read there."""

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from relays.mattermost.people import Person
from relays.sources.gitlab.accounts import find_account
from relays.sources.gitlab.commands import todo
from relays.sources.gitlab.commands.todo import ReadProjects, Todo
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.people import UserNames
from relays.sources.gitlab.rest import PlaceApi, Server
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import Route
from relays.sources.gitlab.timestamps import moment
from relays.wording import CATALOGUES
from tests.relays.gitlab_site import Front
from tests.relays.sink import Reply

NOW = moment("2026-11-27T07:30:00Z")
MARC = {"id": 7, "username": "marc", "name": "Marc", "state": "active", "public_email": ""}
LEA = {"id": 8, "username": "lea", "name": "Léa", "state": "active", "public_email": ""}
EVERYBODY = "enabled"
FEATURES = {f"{name}_access_level": EVERYBODY for name in ("issues", "merge_requests", "builds")}
MEMBER = {"id": 7, "username": "marc", "state": "active"}
PAGES = "https://git.taaf.internal/taaf/web/-"

Json = dict[str, Any]


def merge_request(iid: int, **said: Any) -> Json:
    known = {
        "iid": iid,
        "title": f"Titre {iid}",
        "web_url": f"{PAGES}/merge_requests/{iid}",
        "draft": False,
        "author": LEA,
        "assignees": [],
        "reviewers": [],
        "labels": [],
        "target_branch": "main",
        "created_at": "2026-11-25T07:30:00.000Z",
        "updated_at": "2026-11-26T07:30:00.000Z",
    }
    return known | said


def issue(iid: int, **said: Any) -> Json:
    known = {
        "iid": iid,
        "title": f"Sujet {iid}",
        "web_url": f"{PAGES}/issues/{iid}",
        "assignees": [MARC],
        "labels": [],
        "issue_type": "issue",
        "confidential": False,
        "due_date": None,
        "created_at": "2026-11-24T07:30:00.000Z",
    }
    return known | said


class GitLab:
    """What GitLab's API says, by path; of anything else there is nothing, and of what is refused HTTP 404."""

    def __init__(self, front: Front) -> None:
        self.front = front
        self.project: Json = {"visibility": "private", **FEATURES}
        self.level: int | None = 30
        self.answers: Json = {
            "users": [MARC],
            "merge_requests": [
                merge_request(1, reviewers=[MARC]),
                merge_request(2, assignees=[MARC]),
                merge_request(3, author=MARC),
                merge_request(4),
            ],
            "merge_requests/1/reviewers": [{"user": MARC, "state": "unreviewed", "created_at": ""}],
            "merge_requests/1/approvals": {"approved": False, "approved_by": []},
            "issues": [issue(5), issue(6, confidential=True), issue(7, assignees=[LEA])],
        }
        for iid, status in ((2, "success"), (3, "failed")):
            pipeline = {
                "status": status,
                "web_url": f"{PAGES}/pipelines/{iid}0",
                "updated_at": "2026-11-27T05:30:00Z",
            }
            self.answers[f"merge_requests/{iid}"] = merge_request(iid, author=MARC, head_pipeline=pipeline)
        front.behave = self.behave

    def behave(self, asked: str) -> Reply:
        address = urlsplit(asked)
        path = re.sub(r"^/api/v4/(projects/taaf%2Fweb/?)?", "", address.path)
        if path.startswith("members/all/"):
            known = None if self.level is None else MEMBER | {"access_level": self.level}
            answer = self.answers.get("member", known)
        else:
            answer = self.answers.get(path, self.project if not path else [])
        if isinstance(answer, Reply):
            return answer
        if parse_qs(address.query).get("page", ["1"]) != ["1"]:
            answer = []
        return Reply(404, b"{}") if answer is None else Reply(200, json.dumps(answer).encode())


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    front = Front("http://127.0.0.1:9")
    yield GitLab(front)
    front.close()


def ask(gitlab: GitLab, language: str = "fr", people: UserNames | None = None, **person: Any) -> str:
    """What Marc is answered, of one project."""
    who = Person(**{"name": "marc", "language": None, "is_admin": False, **person})
    server = Server(gitlab.front.url, "glpat-x")
    router = Router([Route(("dev",))], Mute(), people or {})
    command = Todo(
        ReadProjects([PlaceApi(server, "taaf/web")], ZoneInfo("Europe/Paris")), router, lambda: NOW
    )
    asked = SimpleNamespace(wording=CATALOGUES[language], person=lambda: who)
    return command.answer(asked)  # type: ignore[arg-type]


def numbers(answer: str) -> set[int]:
    """The numbers of what is shown."""
    return {int(number) for number in re.findall(r"/(?:merge_requests|issues)/(\d+)\)", answer)} | {
        int(number) // 10 + 100 for number in re.findall(r"/pipelines/(\d+)\)", answer)
    }


REVIEW, ASSIGNED, RED, OPEN, HIDDEN = 1, 2, 103, 5, 6
ALL = {REVIEW, ASSIGNED, RED, OPEN, HIDDEN}


def test_what_waits_for_somebody_is_shown_in_groups(gitlab: GitLab) -> None:
    assert ask(gitlab).replace("\u200b", "").splitlines() == [
        "📋 **Ce qui vous attend dans GitLab**",
        "",
        "👀 **À relire**",
        f"- [!1 Titre 1]({PAGES}/merge_requests/1), depuis 2 jours",
        "",
        "📌 **Assigné à vous**",
        f"- [Issue #5 : Sujet 5]({PAGES}/issues/5), depuis 3 jours",
        f"- [Issue #6 : Sujet 6]({PAGES}/issues/6), depuis 3 jours",
        f"- [!2 Titre 2]({PAGES}/merge_requests/2), depuis 2 jours",
        "",
        "🔴 **Merge Requests dont le pipeline a échoué**",
        f"- [!3 Titre 3]({PAGES}/pipelines/30), depuis 2 heures",
    ]
    assert "What waits for you" in ask(gitlab, "en")


# The visibility of the project, who may use its features, the role there (None: no member), and what may be read.
ACCESS: dict[str, tuple[str, str, int | None, set[int]]] = {
    f"{visibility}, features for {features}, role {level}": (visibility, features, level, shown)
    for visibility, features, level, shown in (
        ("private", "enabled", None, set()),
        ("private", "enabled", 0, set()),
        ("private", "enabled", 5, set()),
        ("private", "enabled", 10, {OPEN, HIDDEN}),
        ("private", "enabled", 15, {OPEN, HIDDEN}),
        ("private", "enabled", 20, ALL),
        ("private", "enabled", 30, ALL),
        ("private", "enabled", 50, ALL),
        ("private", "disabled", 50, set()),
        ("private", "private", 30, ALL),
        ("internal", "enabled", None, set()),
        ("internal", "enabled", 5, set()),
        ("internal", "enabled", 10, {REVIEW, ASSIGNED, OPEN, HIDDEN}),
        ("internal", "enabled", 30, ALL),
        ("internal", "private", 10, {OPEN, HIDDEN}),
        ("public", "enabled", None, {REVIEW, ASSIGNED, OPEN}),
        ("public", "enabled", 10, {REVIEW, ASSIGNED, OPEN, HIDDEN}),
        ("public", "enabled", 40, ALL),
        ("public", "private", None, set()),
        ("public", "private", 10, {OPEN, HIDDEN}),
        ("public", "private", 20, ALL),
        ("public", "disabled", 40, set()),
        ("", "enabled", None, set()),
        ("unheard", "enabled", None, set()),
    )
}


@pytest.mark.parametrize("name", ACCESS)
def test_nothing_is_shown_that_they_may_not_read(gitlab: GitLab, name: str) -> None:
    """Whatever the token reads: it may be an administrator's."""
    visibility, features, gitlab.level, shown = ACCESS[name]
    gitlab.project = {"visibility": visibility, **dict.fromkeys(FEATURES, features)}
    answer = ask(gitlab)
    assert numbers(answer) == shown
    assert bool(shown) is ("Rien ne vous attend" not in answer)


LISTED: dict[str, tuple[Json, set[int]]] = {
    "a project that is archived": ({"": {"archived": True}}, set()),
    "a project on its way out": ({"": {"marked_for_deletion_on": "2026-12-01"}}, set()),
    "a membership that is not active": (
        {"member": MEMBER | {"access_level": 50, "state": "awaiting"}},
        set(),
    ),
    "the membership of somebody else": ({"member": MEMBER | {"access_level": 50, "id": 9}}, set()),
    "no membership that can be read": ({"member": Reply(403, b"{}")}, set()),
    "a review that was given": (
        {"merge_requests/1/reviewers": [{"user": MARC, "state": "approved", "created_at": ""}]},
        ALL - {REVIEW},
    ),
    "a review that somebody else waits for": (
        {"merge_requests/1/reviewers": [{"user": LEA, "state": "unreviewed", "created_at": ""}]},
        ALL - {REVIEW},
    ),
    "a merge request that is approved": (
        {"merge_requests/1/approvals": {"approved": True, "approved_by": [{"user": LEA}]}},
        ALL - {REVIEW},
    ),
    "a list of what is everybody's": (
        {"merge_requests": [merge_request(4)], "issues": [issue(7, assignees=[LEA])]},
        set(),
    ),
    "a pipeline that nobody has started": ({"merge_requests/3": merge_request(3, author=MARC)}, ALL - {RED}),
    "a pipeline that goes on": (
        {"merge_requests/3": merge_request(3, author=MARC, head_pipeline={"status": "running"})},
        ALL - {RED},
    ),
    "an issue that does not say that it is for everybody": (
        {"issues": [{k: v for k, v in issue(5).items() if k != "confidential"}]},
        ALL - {HIDDEN},
    ),
}


@pytest.mark.parametrize("name", LISTED)
def test_what_does_not_wait_for_them_is_not_shown(gitlab: GitLab, name: str) -> None:
    answers, shown = LISTED[name]
    gitlab.project |= answers.get("", {})
    gitlab.answers |= {path: answer for path, answer in answers.items() if path}
    assert numbers(ask(gitlab)) == shown


def test_an_issue_says_when_it_falls_due(gitlab: GitLab) -> None:
    gitlab.answers["issues"] = [issue(5, due_date="2026-11-28"), issue(8, due_date="2026-11-20")]
    said = ask(gitlab)
    assert f"[Issue #5 : Sujet 5]({PAGES}/issues/5), demain" in said
    assert f"[Issue #8 : Sujet 8]({PAGES}/issues/8), en retard de 7 jours" in said


def test_a_title_is_inert_and_much_is_cut(gitlab: GitLab) -> None:
    gitlab.answers["merge_requests"] = []
    gitlab.answers["issues"] = [issue(n, title=f"@all **{n}** ](http://x)" + "é" * 500) for n in range(300)]
    said = ask(gitlab)
    assert "@all" not in said
    assert "](http://x)" not in said
    assert "… et 290 autres" in said
    assert len(said) < 9_000


NOBODY = "Rien ne permet de savoir quel compte GitLab est le vôtre"
WHO: dict[str, tuple[Json, UserNames, Json, str | None]] = {
    "the same name": ({}, {}, {"marc": [MARC]}, "marc"),
    "the same name, in other letters": ({}, {}, {"marc": [MARC | {"username": "Marc"}]}, "Marc"),
    "as the site says": (
        {"name": "marc.d"},
        {"mdupont": "marc.d"},
        {"mdupont": [MARC | {"username": "mdupont"}]},
        "mdupont",
    ),
    "as the site says, though there is the same name": (
        {},
        {"mdupont": "marc"},
        {"mdupont": [MARC | {"username": "mdupont"}], "marc": [LEA | {"username": "marc"}]},
        "mdupont",
    ),
    "the name of somebody else, as the site says": ({}, {"marc": "marc.d"}, {"marc": [MARC]}, None),
    "the same address": (
        {"email": "m@taaf.fr"},
        {},
        {"m@taaf.fr": [MARC | {"username": "mdupont", "public_email": "M@taaf.fr"}]},
        "mdupont",
    ),
    "the address of somebody else, as the site says": (
        {"email": "m@taaf.fr"},
        {"mdupont": "zoe"},
        {"m@taaf.fr": [MARC | {"username": "mdupont", "public_email": "m@taaf.fr"}]},
        None,
    ),
    "a search that finds another address": (
        {"email": "m@taaf.fr"},
        {},
        {"m@taaf.fr": [MARC | {"username": "mdupont", "public_email": "am@taaf.fr"}]},
        None,
    ),
    "the same name and another address": (
        {"email": "m@taaf.fr"},
        {},
        {"marc": [MARC | {"public_email": "other@taaf.fr"}]},
        None,
    ),
    "nobody": ({}, {}, {}, None),
    "two of the same address": (
        {"email": "m@taaf.fr"},
        {},
        {"m@taaf.fr": [each | {"public_email": "m@taaf.fr"} for each in (MARC, LEA)]},
        None,
    ),
    "one who is blocked": ({}, {}, {"marc": [MARC | {"state": "blocked"}]}, None),
    "a bot of GitLab's": ({}, {}, {"marc": [MARC | {"bot": True}]}, None),
    "a bot of Mattermost's": ({"is_bot": True}, {}, {"marc": [MARC]}, None),
    "a similar name": ({}, {}, {"marc": [MARC | {"username": "marcel"}]}, None),
}


@pytest.mark.parametrize("name", WHO)
def test_who_somebody_is_in_gitlab_is_beyond_doubt_or_not_known(gitlab: GitLab, name: str) -> None:
    person, people, users, found = WHO[name]

    def behave(asked: str) -> Reply:
        query = parse_qs(urlsplit(asked).query)
        if urlsplit(asked).path.endswith("/users"):
            wanted = (query.get("username") or query["search"])[0]
            return Reply(200, json.dumps(users.get(wanted, [])).encode())
        return gitlab.behave(asked)

    gitlab.front.behave = behave
    if not person.get("is_bot"):
        server = Server(gitlab.front.url, "glpat-x")
        who = {"name": "marc", "email": ""} | person
        account = find_account(server, people, who["name"], who["email"], lambda question: question())
        assert (account and account.username) == found
    assert (NOBODY in ask(gitlab, people=people, **person)) is (found is None)


def test_what_cannot_be_read_is_said(gitlab: GitLab, monkeypatch: pytest.MonkeyPatch) -> None:
    gitlab.answers["issues"] = Reply(500, b"")
    assert ask(gitlab) == "⚠️ 1 projet n'a pas pu être lu : il manque peut-être quelque chose."
    gitlab.answers["users"] = Reply(401, b"")
    assert ask(gitlab).startswith("⚠️ GitLab n'a pas pu être lu (HTTP 401)")
    monkeypatch.setattr(todo, "_READ_SECONDS", -1.0)
    assert "no answer in time" in ask(gitlab)


def test_without_a_token_nothing_is_read() -> None:
    router = Router([Route(("dev",))], Mute())
    command = Todo(ReadProjects([], ZoneInfo("Europe/Paris")), router, lambda: NOW)
    asked = SimpleNamespace(wording=CATALOGUES["en"])
    assert "gitlab.read_token" in command.answer(asked)  # type: ignore[arg-type]
