"""Certificates of every kind, and a server's way into TLS that shows them."""

import datetime
import socket
import ssl
import tempfile
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
NAME = "localhost"


@dataclass(frozen=True)
class Identity:
    """A certificate, its key, and the certificates that a server sends along."""

    certificate: x509.Certificate
    key: Key
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> str:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def private_pem(self) -> str:
        """The key."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    def context(self) -> ssl.SSLContext:
        """A server's, with whatever keys and versions a careless one takes."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        with tempfile.NamedTemporaryFile("w") as file:
            chain = "".join(Identity(each, self.key).pem for each in self.chain)
            file.write(self.pem + chain + self.private_pem)
            file.flush()
            context.load_cert_chain(file.name)
        return context


def make(
    name: str,
    issuer: Identity | None = None,
    *,
    names: Sequence[str] = (),
    days: tuple[int, int] = (-1, 30),
    authority: bool = False,
    key: Key | None = None,
    chain: Sequence[Identity] = (),
) -> Identity:
    """A certificate for `names`, valid from and until so many days from now; without an issuer it is self-signed.

    Authorities are as those that people make by hand: without key identifiers and key usage.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0]))
        .not_valid_after(now + datetime.timedelta(days=days[1]))
    )
    if authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
        builder = builder.add_extension(alternatives, critical=False)
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    return Identity(certificate, key, tuple(each.certificate for each in chain))


ROOT = make("Autorité du site", authority=True)
INTERMEDIATE = make("Autorité intermédiaire", ROOT, authority=True)
GOOD = make("a server", ROOT, names=[NAME])
SELF_SIGNED = make(NAME, names=[NAME])


class Front:
    """The port of a server at `behind`, spoken to over TLS: as `identity` by `context`, or as `instead` wants it."""

    def __init__(self, behind: int = 0, identity: Identity = GOOD) -> None:
        self.behind = behind
        self.instead: Callable[[socket.socket], object] | None = None
        self.wear(identity)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://{NAME}:{self.port}"

    def wear(
        self, identity: Identity, alter: Callable[[ssl.SSLContext], object] = lambda context: None
    ) -> None:
        """Show another certificate from now on; `alter` changes how TLS is spoken."""
        self.context = identity.context()
        alter(self.context)

    def close(self) -> None:
        """Take nothing any more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                caller = self._listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._lead, args=(caller,), daemon=True).start()

    def _lead(self, caller: socket.socket) -> None:
        with caller, suppress(OSError):
            if self.instead is not None:
                self.instead(caller)
                return
            with (
                self.context.wrap_socket(caller, server_side=True) as inside,
                socket.create_connection(("127.0.0.1", self.behind), 10) as server,
            ):
                back = threading.Thread(target=_copy, args=(server, inside), daemon=True)
                back.start()
                _copy(inside, server)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def _answer(data: bytes) -> Callable[[Front], None]:
    def answer(caller: socket.socket) -> None:
        caller.recv(65536)
        caller.sendall(data)

    def arrange(front: Front) -> None:
        front.instead = answer

    return arrange


def _bad_request(text: str) -> Callable[[Front], None]:
    head = f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    return _answer((head + text).encode())


def _wear(identity: Identity) -> Callable[[Front], None]:
    return lambda front: front.wear(identity)


def _alter(change: Callable[[ssl.SSLContext], object]) -> Callable[[Front], None]:
    return lambda front: front.wear(GOOD, change)


def _old(context: ssl.SSLContext) -> None:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.minimum_version = ssl.TLSVersion.TLSv1


def _no_such_name(context: ssl.SSLContext) -> None:
    context.sni_callback = lambda *_: ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


_WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505

# What a client that trusts ROOT meets at https://, and the code of the fault that it is (relays.base.tls).
FAULTS: dict[str, tuple[Callable[[Front], None], str]] = {
    "expired": (_wear(make("x", ROOT, names=[NAME], days=(-9, -1))), "expired"),
    "not valid yet": (_wear(make("x", ROOT, names=[NAME], days=(2, 9))), "early"),
    "another name": (_wear(make("x", ROOT, names=["chat.example.org"])), "name"),
    "self-signed": (_wear(SELF_SIGNED), "self-signed"),
    "unknown authority": (_wear(make("x", make("y", authority=True), names=[NAME])), "authority"),
    "unknown authority that is sent along": (
        _wear(make("x", other := make("y", authority=True), names=[NAME], chain=[other])),
        "authority",
    ),
    "without its intermediate": (_wear(make("x", INTERMEDIATE, names=[NAME])), "authority"),
    "of who is no authority": (
        _wear(make("x", no_authority := make("y", ROOT), names=[NAME], chain=[no_authority])),
        "certificate",
    ),
    "weak key": (_wear(make("x", ROOT, names=[NAME], key=_WEAK)), "certificate"),
    "TLS 1.1": (_alter(_old), "version"),
    "no such name": (_alter(_no_such_name), "unknown-name"),
    "HTTP": (_bad_request(""), "plain"),
    "SSH": (_answer(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), "plain"),
    "closes": (_answer(b""), "broken-off"),
}
# What one that asks at http:// meets where TLS is spoken.
PLAIN_REFUSALS: dict[str, Callable[[Front], None]] = {
    "nginx": _bad_request("<center>The plain HTTP request was sent to HTTPS port</center>"),
    "Apache": _bad_request("Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />"),
    "Caddy, Traefik": _bad_request("Client sent an HTTP request to an HTTPS server.\n"),
    "an alert": _answer(b"\x15\x03\x01\x00\x02\x02\x46"),
}
# Who is trusted by what is in the file of the setting: the server's certificate, the file.
TRUSTED: dict[str, tuple[Identity, str]] = {
    "its authority": (GOOD, ROOT.pem),
    "the root, the intermediate sent along": (
        make("x", INTERMEDIATE, names=[NAME], chain=[INTERMEDIATE]),
        ROOT.pem,
    ),
    "the intermediate alone": (make("x", INTERMEDIATE, names=[NAME]), INTERMEDIATE.pem),
    "the certificate itself, self-signed": (SELF_SIGNED, SELF_SIGNED.pem),
    "the certificate itself, of an unknown authority": (GOOD, GOOD.pem),
    "self-signed, with its name where browsers no longer look": (cn := make(NAME), cn.pem),
    "one of several": (GOOD, f"# Serveurs du site\r\n{SELF_SIGNED.pem}\n{ROOT.pem}"),
}


def write(folder: Path, pem: str = ROOT.pem) -> Path:
    """The file of the setting."""
    path = folder / "ca.pem"
    path.write_text(pem)
    return path
