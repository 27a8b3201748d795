"""/status.php: whether the site is installed, in maintenance, and which release it is."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from lab.standins.nextcloud.state.instance import Instance


def routes(instance: Instance) -> list[BaseRoute]:
    """What is answered without an account."""

    async def status(request: Request) -> Response:
        return JSONResponse(instance.status())

    return [Route("/status.php", status)]
