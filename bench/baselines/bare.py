"""The least that an ASGI server can run: reads the request, answers 200, stores nothing."""

from typing import Any


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer anything."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"ok\n"})
