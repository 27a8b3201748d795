"""The health check."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.api.call import Call
from lab.standins.mattermost.api.endpoint import endpoint


def ping(call: Call) -> Response:
    """Alive; with ``get_server_status=true`` also the state of database and file store, and 500 if one is bad."""
    status = dict.fromkeys(call.instance.release.ping_keys, "") | {"status": "OK"}
    if not call.flag("get_server_status"):
        return JSONResponse(status)
    well = "UNHEALTHY" if call.store.is_away else "OK"
    checked = {"database_status": well, "filestore_status": "OK", "status": well}
    return JSONResponse(status | checked, 500 if call.store.is_away else 200, headers=checked)


routes = [endpoint("GET", "/system/ping", ping, session=False)]
