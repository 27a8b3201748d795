"""Pages for a person with a browser; they show everything to everybody, as the footer says."""

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from lab.standins.gitlab.state import notes, projects
from lab.standins.gitlab.state.config import VERSION
from lab.standins.gitlab.state.git import GitError
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Hook, Issue, MergeRequest, Project

_COMMITS = 30
_DELIVERIES = 15


def routes(instance: Instance) -> list[Route]:
    """Every page; the project's own come last, for their pattern takes anything."""
    pages = _Pages(instance)
    below = "/{project:path}/-"
    return [
        Route("/", pages.home),
        Route("/users/sign_in", pages.sign_in, methods=["GET", "POST"]),
        Route(f"{below}/issues", pages.issues),
        Route(f"{below}/issues/{{iid:int}}", pages.issue),
        Route(f"{below}/merge_requests", pages.merge_requests),
        Route(f"{below}/merge_requests/{{iid:int}}", pages.merge_request),
        Route(f"{below}/commit/{{sha}}", pages.commit),
        Route(f"{below}/{{kind}}/{{ref:path}}", pages.commits),
        Route(f"{below}/hooks", pages.hooks),
        Route("/{project:path}.git", pages.clone_address),
        Route("/{project:path}", pages.project),
    ]


class _Pages:
    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, trim_blocks=True
        )
        self._templates.globals |= {"version": VERSION, "root": instance.config.root}
        self._templates.filters["moment"] = _moment

    def home(self, request: Request) -> Response:
        return self._render("home.html", projects=projects.select(self._instance, "TRUE"))

    async def sign_in(self, request: Request) -> Response:
        """The form, and as in GitLab the session of whoever fills it in: known, and needed for nothing."""
        if request.method == "GET":
            return self._render("sign_in.html", token=secrets.token_urlsafe(32))
        form = await request.form()
        name, password = str(form.get("user[login]", "")), str(form.get("user[password]", ""))
        if not form.get("authenticity_token") or self._instance.users.by_password(name, password) is None:
            return self._render("sign_in.html", 422, token=secrets.token_urlsafe(32), refused=True)
        answer = RedirectResponse(f"{self._instance.config.root}/", 302)
        answer.set_cookie("_gitlab_session", secrets.token_hex(16), httponly=True)
        return answer

    def clone_address(self, request: Request) -> Response:
        return RedirectResponse(f"{self._instance.config.root}/{request.path_params['project']}")

    def project(self, request: Request) -> Response:
        project = self._project(request)
        if project is None:
            return self._missing()
        repository = self._instance.repository(project)
        head = repository.resolve(f"refs/heads/{project.default_branch}")
        readme = repository.blob(head, "README.md") if head else None
        return self._render(
            "project.html",
            project=project,
            branches=repository.branches(),
            files=repository.tree(head) if head else [],
            commits=repository.log(head, limit=5) if head else [],
            readme=_blocks(readme.decode(errors="replace")) if readme else [],
        )

    def commits(self, request: Request) -> Response:
        project, ref = self._project(request), request.path_params["ref"]
        start = self._instance.repository(project).resolve(ref) if project else None
        if project is None or start is None or request.path_params["kind"] not in {"commits", "tree", "tags"}:
            return self._missing()
        commits = self._instance.repository(project).log(start, limit=_COMMITS)
        return self._render("commits.html", project=project, ref=ref, commits=commits)

    def commit(self, request: Request) -> Response:
        project = self._project(request)
        sha = self._instance.repository(project).resolve(request.path_params["sha"]) if project else None
        if project is None or sha is None:
            return self._missing()
        repository = self._instance.repository(project)
        return self._render(
            "commit.html", project=project, commit=repository.log(sha, limit=1)[0], diff=repository.diff(sha)
        )

    def issues(self, request: Request) -> Response:
        project = self._project(request)
        if project is None:
            return self._missing()
        rows = self._instance.store.all(
            "SELECT * FROM issues WHERE project_id = ? ORDER BY id DESC", project.id
        )
        return self._render(
            "issues.html", project=project, issues=[self._named(Issue.of(row)) for row in rows]
        )

    def issue(self, request: Request) -> Response:
        project = self._project(request)
        row = self._numbered("issues", project, request)
        if project is None or row is None:
            return self._missing()
        issue = Issue.of(row)
        return self._render("issue.html", project=project, **self._named(issue), notes=self._notes(issue))

    def merge_requests(self, request: Request) -> Response:
        project = self._project(request)
        if project is None:
            return self._missing()
        rows = self._instance.store.all(
            "SELECT * FROM merge_requests WHERE project_id = ? ORDER BY id DESC", project.id
        )
        found = [self._named(MergeRequest.of(row)) for row in rows]
        return self._render("merge_requests.html", project=project, merge_requests=found)

    def merge_request(self, request: Request) -> Response:
        project = self._project(request)
        row = self._numbered("merge_requests", project, request)
        if project is None or row is None:
            return self._missing()
        merge_request = MergeRequest.of(row)
        repository = self._instance.repository(project)
        # After the merge the target holds everything: compare with what it was before.
        merged = merge_request.merge_commit_sha
        base = f"{merged}^1" if merged else f"refs/heads/{merge_request.target_branch}"
        try:
            commits = repository.log(merge_request.source_sha, f"^{base}", limit=_COMMITS)
            diff = repository.diff(base, merge_request.source_sha)
        except GitError:  # the target branch is gone
            commits, diff = [], []
        return self._render(
            "merge_request.html",
            project=project,
            **self._named(merge_request),
            commits=commits,
            diff=diff,
            notes=self._notes(merge_request),
        )

    def hooks(self, request: Request) -> Response:
        project = self._project(request)
        if project is None:
            return self._missing()
        rows = self._instance.store.all("SELECT * FROM hooks WHERE project_id = ? ORDER BY id", project.id)
        hooks = [(hook, self._deliveries(hook)) for hook in map(Hook.of, rows)]
        return self._render("hooks.html", project=project, hooks=hooks)

    def _render(self, template: str, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(**values), status)

    def _missing(self) -> Response:
        return self._render("missing.html", 404)

    def _project(self, request: Request) -> Project | None:
        return projects.by_path(self._instance, request.path_params["project"].rstrip("/"))

    def _numbered(self, table: str, project: Project | None, request: Request) -> Any:
        if project is None:
            return None
        return self._instance.store.first(
            f"SELECT * FROM {table} WHERE project_id = ? AND iid = ?",  # noqa: S608
            project.id,
            request.path_params["iid"],
        )

    def _named(self, record: Issue | MergeRequest) -> dict[str, Any]:
        people = [person.name for person in self._instance.users.existing(record.assignee_ids)]
        return {"record": record, "author": self._instance.users.get(record.author_id), "assignees": people}

    def _notes(self, record: Issue | MergeRequest) -> list[dict[str, Any]]:
        return [
            {"note": note, "author": self._instance.users.get(note.author_id)}
            for note in notes.of(self._instance, record)
        ]

    def _deliveries(self, hook: Hook) -> list[dict[str, Any]]:
        rows = self._instance.store.all(
            "SELECT * FROM hook_logs WHERE hook_id = ? ORDER BY id DESC LIMIT ?", hook.id, _DELIVERIES
        )
        return [
            {
                **dict(row),
                "event": json.loads(row["request_headers"])["X-Gitlab-Event"],
                "ok": row["response_status"][0] in "23",
            }
            for row in rows
        ]


def _moment(value: str) -> str:
    """A moment without its fraction, as people read it."""
    return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _blocks(text: str) -> list[tuple[str, str]]:
    """A README as headings and paragraphs: all the Markdown that the lab needs."""
    blocks: list[tuple[str, str]] = []
    for block in text.split("\n\n"):
        marks, _, title = block.strip().partition(" ")
        if marks and set(marks) == {"#"} and len(marks) <= 3:
            blocks.append((f"h{len(marks)}", title))
        elif block.strip():
            blocks.append(("p", block.strip()))
    return blocks
