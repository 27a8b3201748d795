"""Why a request to a server failed, in words that hold no secret."""

import os
import socket

import requests

from relays.base import tls


def reason(error: BaseException) -> str:
    """The reason without the address that the text of the error holds."""
    return explain(error, "its address")[0]


def explain(error: BaseException, setting: str) -> tuple[str, str]:
    """The reason, and the remedy if it is in somebody's hands; `setting` is where the server's address stands."""
    if isinstance(error, requests.Timeout):
        return "no answer in time", ""
    if fault := tls.fault_of(error):
        return fault.what, fault.remedy.format(setting=setting) if fault.lasting else ""
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not lead there", f"correct {setting.replace('.url', '.proxy')}, or the proxy"
    for each in tls.causes(error):
        if isinstance(each, socket.gaierror):
            return "the name of the host does not resolve", ""
        if isinstance(each, ConnectionError | TimeoutError) and each.errno:
            return os.strerror(each.errno), ""
    return type(error).__name__, ""
