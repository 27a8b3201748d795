"""/ocs/v2.php: the account that asks, its activity, and sharing a folder of its own."""

from collections.abc import Awaitable, Callable, Mapping
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from lab.standins.nextcloud.payloads import activity as activity_rows
from lab.standins.nextcloud.state import accounts, activity, shares
from lab.standins.nextcloud.state.errors import DavError
from lab.standins.nextcloud.state.home import Home
from lab.standins.nextcloud.state.site import Site

ADMIN = "admin"
_USER_SHARE, _LINK = "0", "3"
_MESSAGES = {
    200: "OK",
    304: "",
    401: "Current user is not logged in",
    403: "",
    404: "",
    412: "CSRF check failed",
}

Handler = Callable[[Request, str], Awaitable[Response]]


def routes(site: Site) -> list[BaseRoute]:
    """What is answered below /ocs/v2.php."""

    async def user(request: Request, account: str) -> Response:
        name = accounts.names(site)[account]
        return _answer(
            request, 200, {"id": account, "display-name": name, "displayname": name, "enabled": True}
        )

    async def listing(request: Request, account: str) -> Response:
        query = request.query_params
        since, limit = int(query.get("since", "0")), int(query.get("limit", "50"))
        try:
            page = activity.read(
                site,
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
        return _answer(request, 200, [activity_rows.shown(row, base) for row in page.rows], headers)

    async def share(request: Request, account: str) -> Response:
        form = await request.form()
        path = "files/" + str(form.get("path", "")).strip("/")
        kind, recipient = form.get("shareType"), str(form.get("shareWith", ""))
        try:
            Home(site, account).get(path)
        except DavError:
            return _answer(request, 404, [])
        if kind not in (_USER_SHARE, _LINK) or (
            kind == _USER_SHARE and recipient not in accounts.names(site)
        ):
            return _answer(request, 404, [])
        # 4 is to create and nothing else: a link for dropping files.
        is_drop = kind == _LINK and form.get("permissions", "4") == "4"
        made = shares.create(site, account, path, recipient if kind == _USER_SHARE else "", is_drop=is_drop)
        return _answer(request, 200, {"id": str(made.id), "token": made.token or None})

    async def rename(request: Request, account: str) -> Response:
        form, uid = await request.form(), request.path_params["uid"]
        if account != uid and account != ADMIN:
            return _answer(request, 403, [])
        if uid not in accounts.names(site) or form.get("key") != "displayname":
            return _answer(request, 404, [])
        accounts.rename(site, uid, str(form.get("value", "")))
        return _answer(request, 200, [])

    base = "/ocs/v2.php"
    feed = _guarded(site, listing)
    return [
        Route(f"{base}/cloud/user", _guarded(site, user)),
        Route(f"{base}/cloud/users/{{uid}}", _guarded(site, rename), methods=["PUT"]),
        Route(f"{base}/apps/activity/api/v2/activity", feed),
        Route(f"{base}/apps/activity/api/v2/activity/{{filter}}", feed),
        Route(f"{base}/apps/files_sharing/api/v1/shares", _guarded(site, share), methods=["POST"]),
    ]


def _guarded(site: Site, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if not site.installed or site.maintenance:
            return _answer(request, 503, [])
        account = accounts.login(site, request.headers.get("authorization"))
        if account is None:
            return _answer(request, 401, [])
        if "ocs-apirequest" not in request.headers:
            return _answer(request, 412, [])
        return await handler(request, account)

    return answer


def _answer(
    request: Request, status: int, data: object, headers: Mapping[str, str] | None = None
) -> Response:
    """JSON for those who ask for it, else XML, without the data: who forgets to ask is to notice."""
    message = _MESSAGES.get(status, "")
    meta = {"status": "ok" if status == 200 else "failure", "statuscode": status, "message": message}
    asked = request.query_params.get("format"), request.headers.get("accept", "")
    if asked[0] == "json" or "application/json" in asked[1]:
        return JSONResponse({"ocs": {"meta": meta, "data": data}}, status, headers)
    fields = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in meta.items())
    body = f'<?xml version="1.0"?>\n<ocs><meta>{fields}</meta><data/></ocs>\n'
    return Response(body, status, headers, media_type="application/xml")
