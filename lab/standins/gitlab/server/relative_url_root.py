"""A GitLab whose external URL has a path."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class BelowRoot:
    """Answer below `root` alone; to anything else 404, as Workhorse does before GitLab itself is asked."""

    def __init__(self, app: ASGIApp, root: str) -> None:
        self._app, self._root = app, root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._root:
            path = scope["path"]
            if path != self._root and not path.startswith(f"{self._root}/"):
                await PlainTextResponse(f'Not found "{path}"\n', 404)(scope, receive, send)
                return
            scope = {**scope, "root_path": self._root}
        await self._app(scope, receive, send)
