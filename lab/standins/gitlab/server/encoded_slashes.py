"""Addresses as GitLab reads them."""

from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send


class KeepEncodedSlashes:
    """Keep `%2F` apart from `/` while routing: GitLab takes `group%2Fproject` as one id, servers decode it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "raw_path" in scope:
            raw = scope["raw_path"].decode("latin-1").partition("?")[0]
            segments = [unquote(segment).replace("/", "%2F") for segment in raw.split("/")]
            scope = {**scope, "path": "/".join(segments)}
        await self._app(scope, receive, send)
