"""The health check."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.call import Call
from lab.standins.mattermost.endpoint import endpoint


def ping(call: Call) -> Response:
    """Alive; with ``get_server_status=true`` also the state of database and file store."""
    status = dict.fromkeys(call.server.release.ping_keys, "") | {"status": "OK"}
    headers = {}
    if call.flag("get_server_status"):
        checked = {"database_status": "OK", "filestore_status": "OK"}
        status |= checked
        headers = checked | {"status": "OK"}
    return JSONResponse(status, headers=headers)


routes = [endpoint("GET", "/system/ping", ping, session=False)]
