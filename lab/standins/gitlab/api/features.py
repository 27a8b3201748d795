"""Feature flags: `/features`."""

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.state.auto_disabling import FLAG, SETTING
from lab.standins.gitlab.state.errors import ApiError


def set_feature(call: Call) -> Response:
    """`POST /features/:name` with `value`; only this one flag is known."""
    name = call.segment("name")
    if call.user.id != 1:
        raise ApiError(403, message="403 Forbidden")
    if name != FLAG:
        raise ApiError(400, message=f"400 Bad request - Feature flag {name} is not known here")
    call.instance.store.run(
        "INSERT OR REPLACE INTO application_settings (name, value) VALUES (?, ?)",
        SETTING,
        "true" if call.flag("value") else "false",
    )
    return JSONResponse({"name": name, "state": "on" if call.flag("value") else "off"}, 201)
