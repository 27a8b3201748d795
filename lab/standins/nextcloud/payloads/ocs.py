"""The envelope of OCS answers."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

from starlette.responses import JSONResponse, Response

_MESSAGES = {
    200: "OK",
    304: "",
    401: "Current user is not logged in",
    403: "",
    404: "",
    412: "CSRF check failed",
}


def response(
    status: int, data: object, headers: Mapping[str, str] | None = None, *, as_json: bool
) -> Response:
    """The answer as JSON, else as XML without the data: who forgets to ask for JSON is to notice."""
    message = _MESSAGES.get(status, "")
    meta = {"status": "ok" if status == 200 else "failure", "statuscode": status, "message": message}
    if as_json:
        return JSONResponse({"ocs": {"meta": meta, "data": data}}, status, headers)
    fields = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in meta.items())
    body = f'<?xml version="1.0"?>\n<ocs><meta>{fields}</meta><data/></ocs>\n'
    return Response(body, status, headers, media_type="application/xml")
