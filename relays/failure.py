"""Why a request to a server failed, in words that hold no secret."""

import os
import socket
import ssl

import requests


def reason(error: BaseException) -> str:
    """The reason without the address that the text of the error holds."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, socket.gaierror):
            return "the name of the host does not resolve"
        if isinstance(seen, ssl.SSLCertVerificationError):
            return "the TLS certificate is not trusted"
        if isinstance(seen, ConnectionError | TimeoutError) and seen.errno:
            return os.strerror(seen.errno)
        seen = _cause(seen)
    return type(error).__name__


def _cause(error: BaseException) -> BaseException | None:
    # urllib3 keeps the reason of a failed connection in an attribute.
    found = getattr(error, "reason", None)
    if isinstance(found, BaseException):
        return found
    return next((part for part in error.args if isinstance(part, BaseException)), None) or error.__context__
