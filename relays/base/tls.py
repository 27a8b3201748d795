"""TLS towards other servers: who is trusted, and why there is no connection, in words that hold no secret.

Trusted are the authorities that the machine trusts, those that certifi brings along, and the certificates of a file of
the site's own: authorities, or servers' certificates themselves.
"""

import http.client
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from relays.base.settings import StartError

# What servers answer to plain HTTP on a port of theirs that speaks TLS: nginx, Apache, Go's own (Caddy, Traefik).
_PLAIN_REFUSED = (
    b"plain HTTP request was sent to HTTPS port",
    b"speaking plain HTTP",
    b"HTTP request to an HTTPS",
)
# Or the first bytes of an alert.
_ALERT = "\x15\x03"


@dataclass(frozen=True)
class Fault:
    """What is wrong with a server's TLS, and the remedy, with {setting} where the name of that of its address goes.

    One that is not `lasting` may be gone the next moment. `detail` are OpenSSL's words, where ours are too few.
    """

    code: str
    what: str
    remedy: str
    lasting: bool = True
    detail: str = ""


FAULTS = {
    fault.code: fault
    for fault in (
        Fault(
            "expired",
            "its certificate, or that of its authority, has expired",
            "have it renewed at the server; if it has not, correct the clock",
        ),
        Fault(
            "early",
            "its certificate is not valid yet",
            "correct the clock, or that of the machine which made the certificate",
        ),
        Fault(
            "name",
            "its certificate is for another name",
            "write a name that the certificate holds into {setting}, or have one made for this name",
        ),
        Fault(
            "self-signed",
            "its certificate is self-signed, and not known here",
            "name a PEM file with that certificate in host.ca, and run the deploy",
        ),
        Fault(
            "authority",
            "its certificate is of an authority that is not known here",
            "name the PEM file of that authority in host.ca, and run the deploy, or have the server send its "
            "intermediate certificates too",
        ),
        Fault("certificate", "its certificate is refused ({detail})", "have a sound one made for the server"),
        Fault("plain", "it speaks no TLS", "write http:// into {setting}, or correct its port"),
        Fault("https", "it speaks TLS, not plain HTTP", "write https:// into {setting}, or correct its port"),
        Fault("version", "it speaks no TLS newer than 1.1", "have TLS 1.2 or newer switched on there"),
        Fault(
            "unknown-name",
            "it serves no such name over TLS",
            "correct the name in {setting}, or have the server serve it",
        ),
        Fault(
            "broken-off",
            "it breaks TLS off ({detail})",
            "correct the port in {setting}, or read the server's log",
            lasting=False,
        ),
    )
}

# X509_V_ERR_… of OpenSSL, as `ssl.SSLCertVerificationError.verify_code` has them.
_CERTIFICATES = {
    **dict.fromkeys((2, 19, 20, 21, 27), "authority"),
    **dict.fromkeys((62, 63, 64), "name"),
    9: "early",
    10: "expired",
    18: "self-signed",
}
# SSL_R_… of OpenSSL, as `ssl.SSLError.reason` has them, the names before and since 3.2.
_HANDSHAKES = {
    **dict.fromkeys(
        ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"), "plain"
    ),
    **dict.fromkeys(
        ("TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "UNSUPPORTED_SSL_VERSION"), "version"
    ),
    **dict.fromkeys(("TLSV1_UNRECOGNIZED_NAME", "UNRECOGNIZED_NAME"), "unknown-name"),
    # Not OpenSSL's: an alert in answer to plain HTTP.
    "ANSWERS_TLS": "https",
}


@cache
def context(ca: Path | None) -> ssl.SSLContext:
    """What connections are made with; `ca` is a PEM file. OSError if it cannot be used; its ssl.SSLError is one."""
    trusting = ssl.create_default_context()
    trusting.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    if ca:
        trusting.load_verify_locations(ca)
    # Whoever is named is trusted, an authority above it or none. Since 3.13, Python also refuses authorities that
    # lack what RFC 5280 asks for, which most of those made by hand do; curl and browsers take them.
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    trusting.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return trusting


class TlsAdapter(HTTPAdapter):
    """For `requests.Session.mount`: servers are trusted as `context` has it, whatever the session's `verify` says."""

    def __init__(self, ca: Path | None) -> None:
        self._ca = ca
        super().__init__()

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """As the base class has it, with our context where TLS is spoken: to read all authorities takes its time."""
        server, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        if server["scheme"] != "https":
            return server, {}
        return server, {"cert_reqs": "CERT_REQUIRED", "ssl_context": context(self._ca)}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing is left to do: the base class would load certifi's file anew for each connection."""


def check_ca(file: Path, ca: Path | None) -> None:
    """StartError if the certificates that the setting `ca` of a settings file names cannot be used."""
    if ca is None:
        return
    try:
        context(ca)
    except ssl.SSLError:
        raise StartError(f"{file}: ca = {ca} holds no certificate in PEM: run the deploy again") from None
    except OSError as error:
        raise StartError(
            f"{file}: ca = {ca} cannot be read ({error.strerror}): run the deploy again"
        ) from None


def fault_of(error: BaseException) -> Fault | None:
    """What is wrong with a server's TLS, None if a request failed for another reason."""
    for each in causes(error):
        if isinstance(each, ssl.SSLError):
            return fault(
                getattr(each, "verify_code", 0), each.reason or "", getattr(each, "verify_message", "")
            )
        if isinstance(each, http.client.BadStatusLine) and str(each).startswith(_ALERT):
            return fault(0, "ANSWERS_TLS", "")
    return None


def fault(verify_code: int, reason: str, message: str) -> Fault:
    """The fault that the attributes of these names of an ssl.SSLError stand for."""
    if verify_code:
        code, detail = _CERTIFICATES.get(verify_code, "certificate"), message or f"code {verify_code}"
    else:
        code, detail = _HANDSHAKES.get(reason, "broken-off"), reason.replace("_", " ").lower() or "closed"
    return replace(FAULTS[code], what=FAULTS[code].what.format(detail=detail), detail=detail)


def refuses_plain_http(status: int, content: bytes) -> bool:
    """Whether an answer says that TLS is spoken where it was asked without."""
    return status == 400 and any(words in content[:4096] for words in _PLAIN_REFUSED)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it came of, the nearest first."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        # urllib3 keeps the reason of a failed connection in an attribute.
        found = getattr(seen, "reason", None)
        within = next((part for part in seen.args if isinstance(part, BaseException)), None)
        seen = found if isinstance(found, BaseException) else within or seen.__context__
