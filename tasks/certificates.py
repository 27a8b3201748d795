"""A file of certificates on the administrator's machine that are trusted beside those of known authorities."""

import re
import ssl
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from tasks.addresses import ExistingFile

_CERTIFICATE = re.compile(
    rb"-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----\s.*?-----END \1-----", re.DOTALL
)
_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def certificates(file: Path) -> str:
    """The certificates in a file, in PEM, and nothing else of it."""
    found = _CERTIFICATE.finditer(file.read_bytes().replace(b"\r\n", b"\n"))
    return "".join(f"{each[0].decode('ascii')}\n" for each in found)


def _check(file: Path) -> Path:
    content = file.read_bytes()
    if _KEY.search(content):
        raise ValueError(
            "holds a private key, which nobody else may have: leave the certificates alone in it"
        )
    if not _CERTIFICATE.search(content):
        if content[:1] == b"\x30":
            raise ValueError(f"is not PEM: convert it with openssl x509 -inform der -in {file} -out ca.pem")
        raise ValueError("holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError:
        raise ValueError("holds a certificate that cannot be read: copy it anew") from None
    return file


CertificateFile = Annotated[ExistingFile, AfterValidator(_check)]
