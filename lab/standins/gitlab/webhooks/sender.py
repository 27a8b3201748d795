"""One webhook request over one connection of its own."""

import http.client
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from lab.standins.gitlab.webhooks.allowlist import Destination

_READ_CHUNK = 65536
_KEPT_BODY = 8 * 1024
_KEPT_HEADERS = 50
_KEPT_HEADER = 1024


class SendFailed(Exception):
    """No answer came back; the message reads as GitLab logs it."""


@dataclass(frozen=True)
class Answer:
    """What the receiver said, cut to what GitLab keeps of it (50 headers of 1 KB, 8 KB of body)."""

    status: int
    headers: dict[str, str]
    body: str


def post(
    destination: Destination, url: str, headers: dict[str, str], body: bytes, *, timeout: float, verify: bool
) -> Answer:
    """POST to the address that was authorized, under the host name of the URL. Raises SendFailed.

    The time limit holds for connecting, for each read, and for reading as a whole. Redirects are not followed:
    their answer counts, as a success.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(destination.host, destination.port)
    try:
        connection.sock = _connect(destination, timeout, verify)
        connection.request("POST", target, body, {**headers, "Connection": "close"})
        response = connection.getresponse()
        return Answer(response.status, _kept_headers(response), _read(response, timeout))
    except TimeoutError:
        raise SendFailed("Net::ReadTimeout with #<TCPSocket:(closed)>") from None
    except ConnectionResetError:
        raise SendFailed("Connection reset by peer") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise SendFailed(str(error) or "end of file reached") from None
    finally:
        connection.close()


def _connect(destination: Destination, timeout: float, verify: bool) -> socket.socket:
    where = f"{destination.address}:{destination.port}"
    try:
        connected = socket.create_connection((destination.address, destination.port), timeout)
    except TimeoutError:
        raise SendFailed(f"Failed to open TCP connection to {where} (execution expired)") from None
    except OSError as error:
        raise SendFailed(
            f"Failed to open TCP connection to {where} ({error.strerror} - connect(2))"
        ) from None
    if destination.scheme == "http":
        return connected
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connected, server_hostname=destination.host)


def _read(response: http.client.HTTPResponse, timeout: float) -> str:
    deadline = time.monotonic() + timeout
    kept = b""
    while chunk := response.read1(_READ_CHUNK):
        kept = (kept + chunk)[:_KEPT_BODY]
        if time.monotonic() > deadline:
            raise TimeoutError
    return kept.decode(errors="replace")


def _kept_headers(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.title(): value[:_KEPT_HEADER] for name, value in response.getheaders()[:_KEPT_HEADERS]}
