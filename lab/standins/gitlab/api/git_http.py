"""Git over HTTP: `/namespace/project.git`, the smart protocol served by git itself."""

import base64
import binascii
import gzip
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from lab.standins.gitlab.state import projects
from lab.standins.gitlab.state.git import GitError
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Project, User
from lab.standins.gitlab.webhooks import push_events

_SERVICES = ("git-upload-pack", "git-receive-pack")
_NO_CACHE = {"Cache-Control": "no-cache"}


class _Refused(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def advertise(instance: Instance) -> Callable[[Request], Awaitable[Response]]:
    """`GET …/info/refs?service=…`: what the repository has."""

    def answer(request: Request) -> Response:
        service = request.query_params.get("service", "")
        if service not in _SERVICES:
            return PlainTextResponse("The dumb protocol is not served", 403)
        project, _ = _admit(instance, request, service)
        command = service.removeprefix("git-")
        refs = instance.repository(project).run(
            command, "--stateless-rpc", "--advertise-refs", ".", extra_env=_protocol(request)
        )
        banner = f"# service={service}\n".encode()
        body = f"{len(banner) + 4:04x}".encode() + banner + b"0000" + refs
        return Response(body, media_type=f"application/x-{service}-advertisement", headers=_NO_CACHE)

    async def respond(request: Request) -> Response:
        return await _run(partial(answer, request))

    return respond


def serve(instance: Instance, service: str) -> Callable[[Request], Awaitable[Response]]:
    """`POST …/git-upload-pack` or `POST …/git-receive-pack`: fetch from or push to the repository."""

    def answer(request: Request, body: bytes) -> Response:
        project, user = _admit(instance, request, service)
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        exchange = partial(
            instance.repository(project).run,
            service.removeprefix("git-"), "--stateless-rpc", ".", stdin=body, extra_env=_protocol(request),
        )  # fmt: skip
        output = (
            exchange()
            if user is None or service == _SERVICES[0]
            else _receive(instance, project, user, exchange)
        )
        return Response(output, media_type=f"application/x-{service}-result", headers=_NO_CACHE)

    async def respond(request: Request) -> Response:
        return await _run(partial(answer, request, await request.body()))

    return respond


def _receive(instance: Instance, project: Project, user: User, exchange: Callable[[], bytes]) -> bytes:
    repository = instance.repository(project)
    with repository.lock:
        before = repository.refs()
        output = exchange()
        push_events.announce(instance, project, user, before, repository.refs())
    return output


async def _run(answer: Callable[[], Response]) -> Response:
    try:
        return await run_in_threadpool(answer)
    except _Refused as refused:
        return refused.response
    except GitError as error:
        return PlainTextResponse(f"{error}\n", 400)


def _admit(instance: Instance, request: Request, service: str) -> tuple[Project, User | None]:
    """The project and who asks. Reading a public project is free, everything else needs somebody known."""
    user = _basic_user(instance, request)
    project = projects.by_path(instance, request.path_params["project"].replace("%2F", "/"))
    if user is None and (project is None or project.visibility != "public" or service == "git-receive-pack"):
        # Whether a private project exists is nobody's business: the question is the same.
        raise _Refused(
            PlainTextResponse(
                "HTTP Basic: Access denied. The provided password or token is incorrect\n",
                401,
                {"WWW-Authenticate": 'Basic realm="GitLab"'},
            )
        )
    if project is None:
        raise _Refused(PlainTextResponse("The project you were looking for could not be found.\n", 404))
    return project, user


def _basic_user(instance: Instance, request: Request) -> User | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        login, _, password = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return instance.users.by_password(login, password)


def _protocol(request: Request) -> dict[str, str]:
    version = request.headers.get("git-protocol")
    return {"GIT_PROTOCOL": version} if version else {}
