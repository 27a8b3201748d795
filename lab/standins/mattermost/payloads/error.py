"""The JSON of errors."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from lab.standins.mattermost.state.errors import ApiError


def response(error: ApiError, request_id: str) -> Response:
    """The HTTP answer with its JSON body."""
    content = {
        "id": error.id,
        "message": error.message,
        "detailed_error": "",
        "request_id": request_id,
        "status_code": error.status,
    }
    return JSONResponse(content, error.status, error.headers)
