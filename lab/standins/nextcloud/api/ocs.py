"""/ocs/v2.php: the account that asks, its activity, and sharing a folder of its own."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from lab.standins.nextcloud.payloads import activity as payload
from lab.standins.nextcloud.payloads import ocs
from lab.standins.nextcloud.state import activity, shares, users
from lab.standins.nextcloud.state.errors import DavError
from lab.standins.nextcloud.state.home import Home
from lab.standins.nextcloud.state.instance import Instance

ADMIN = "admin"
_USER_SHARE, _LINK = "0", "3"

Handler = Callable[[Request, str], Awaitable[Response]]


def routes(instance: Instance) -> list[BaseRoute]:
    """What is answered below /ocs/v2.php."""

    async def user(request: Request, account: str) -> Response:
        name = users.names(instance)[account]
        return _answer(
            request, 200, {"id": account, "display-name": name, "displayname": name, "enabled": True}
        )

    async def listing(request: Request, account: str) -> Response:
        query = request.query_params
        since, limit = int(query.get("since", "0")), int(query.get("limit", "50"))
        try:
            page = activity.read(
                instance,
                account,
                since=since,
                limit=limit,
                ascending=query.get("sort") == "asc",
                everything=request.path_params.get("filter", "all") == "all",
            )
        except activity.ForeignRow:
            return _answer(request, 403, [])
        if not page.rows:
            return Response(status_code=304)
        base = str(request.base_url).rstrip("/")
        headers = {"X-Activity-Last-Given": str(page.last)}
        if page.first_known is not None:
            headers["X-Activity-First-Known"] = str(page.first_known)
        if page.has_more:
            headers["Link"] = f'<{request.url.include_query_params(since=page.last)}>; rel="next"'
        return _answer(request, 200, [payload.to_json(row, base) for row in page.rows], headers)

    async def share(request: Request, account: str) -> Response:
        form = await request.form()
        path = "files/" + str(form.get("path", "")).strip("/")
        kind, recipient = form.get("shareType"), str(form.get("shareWith", ""))
        try:
            Home(instance, account).get(path)
        except DavError:
            return _answer(request, 404, [])
        if kind not in (_USER_SHARE, _LINK) or (
            kind == _USER_SHARE and recipient not in users.names(instance)
        ):
            return _answer(request, 404, [])
        # 4 is to create and nothing else: a link for dropping files.
        is_drop = kind == _LINK and form.get("permissions", "4") == "4"
        made = shares.create(
            instance, account, path, recipient if kind == _USER_SHARE else "", is_drop=is_drop
        )
        return _answer(request, 200, {"id": str(made.id), "token": made.token or None})

    async def rename(request: Request, account: str) -> Response:
        form, uid = await request.form(), request.path_params["uid"]
        if account != uid and account != ADMIN:
            return _answer(request, 403, [])
        if uid not in users.names(instance) or form.get("key") != "displayname":
            return _answer(request, 404, [])
        users.rename(instance, uid, str(form.get("value", "")))
        return _answer(request, 200, [])

    base = "/ocs/v2.php"
    feed = _guarded(instance, listing)
    return [
        Route(f"{base}/cloud/user", _guarded(instance, user)),
        Route(f"{base}/cloud/users/{{uid}}", _guarded(instance, rename), methods=["PUT"]),
        Route(f"{base}/apps/activity/api/v2/activity", feed),
        Route(f"{base}/apps/activity/api/v2/activity/{{filter}}", feed),
        Route(f"{base}/apps/files_sharing/api/v1/shares", _guarded(instance, share), methods=["POST"]),
    ]


def _guarded(instance: Instance, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if not instance.installed or instance.maintenance:
            return _answer(request, 503, [])
        account = users.login(instance, request.headers.get("authorization"))
        if account is None:
            return _answer(request, 401, [])
        if "ocs-apirequest" not in request.headers:
            return _answer(request, 412, [])
        return await handler(request, account)

    return answer


def _answer(
    request: Request, status: int, data: object, headers: Mapping[str, str] | None = None
) -> Response:
    asked, accepted = request.query_params.get("format"), request.headers.get("accept", "")
    return ocs.response(status, data, headers, as_json=asked == "json" or "application/json" in accepted)
