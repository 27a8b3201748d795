"""Which release answers."""

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.state.config import VERSION


def version(call: Call) -> Response:
    """`GET /version`."""
    return JSONResponse({"version": VERSION, "revision": "standin"})


def metadata(call: Call) -> Response:
    """`GET /metadata`."""
    kas = {"enabled": False, "externalUrl": None, "externalK8sProxyUrl": None, "version": None}
    return JSONResponse({"version": VERSION, "revision": "standin", "kas": kas, "enterprise": False})
