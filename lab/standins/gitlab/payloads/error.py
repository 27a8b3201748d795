"""The JSON of errors."""

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.state.errors import ApiError


def response(error: ApiError) -> Response:
    """The HTTP answer with its JSON body."""
    body = {"message": error.message} if error.error is None else {"error": error.error}
    return JSONResponse(body, error.status, {"Location": error.location} if error.location else None)
