"""Decides whether a request is GitLab's: by its secret token, or by its signature, which holds for one body and time.

GitLab sends the token of a hook as it is (X-Gitlab-Token). Since 19.0 it also signs with the hook's signing token
as Standard Webhooks lays down: HMAC-SHA256 over `webhook-id.webhook-timestamp.body`. A request that carries a
signature stands or falls with it; a right token does not help it.
"""

import base64
import binascii
import hmac
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from relays.base.settings import StartError, read_secrets

# What Standard Webhooks proposes; GitLab stamps each delivery when it sends it, one sent again as well.
WINDOW_SECONDS = 300
_PREFIX = "whsec_"
_KEY_BYTES = 32
_STAMP = re.compile("[0-9]{1,12}")


@dataclass(frozen=True)
class Refusal:
    """Why a request is not taken: how it is answered, and what the operator reads."""

    status: int
    outcome: str
    reason: str


_TOKEN = Refusal(
    401, "wrong token", "token: X-Gitlab-Token is not the secret of the hook; run the deploy again"
)
_UNSIGNED = Refusal(
    401,
    "no signature",
    'signature: there is no webhook-signature, and signature = "required"; run the deploy again',
)
_SIGNATURE = Refusal(
    401,
    "wrong signature",
    "signature: webhook-signature is not made with the signing token of the hook; run the deploy again",
)


class Authenticity:
    """The secrets that are accepted, of each kind one or, while it is replaced, the old and the new.

    `keys` are those of the signing tokens. With `required` a request without a signature is refused.
    """

    def __init__(
        self,
        tokens: Sequence[str],
        keys: Sequence[bytes],
        required: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._tokens = tuple(token.encode() for token in tokens)
        self._keys = tuple(hmac.new(key, digestmod="sha256") for key in keys)
        self._required = required
        self._now = now

    def examine(self, headers: Mapping[str, str]) -> "Examination":
        """Begin with a request, whose headers are named in lower case and decoded as Latin-1."""
        trusted = self._is_token(headers.get("x-gitlab-token", ""))
        if self._keys and "webhook-signature" in headers:
            return _Signed(headers, self._keys, trusted, self._now())
        if self._required:
            return Examination(_UNSIGNED)
        return Examination(None if trusted else _TOKEN)

    def _is_token(self, given: str) -> bool:
        return _any_equal([given.encode("latin-1")], self._tokens)


class Examination:
    """What is known of one request: the body is fed to it, then `refusal` says whether it is taken.

    `trusted`: the sender has shown a secret already. `promising`: the body may turn out to be GitLab's, so it
    must be kept until its end.
    """

    def __init__(self, refusal: Refusal | None) -> None:
        self._refusal = refusal
        self.trusted = self.promising = refusal is None

    def feed(self, chunk: bytes) -> None:
        """The next part of the body as it came, whether it is kept or not."""

    def refusal(self) -> Refusal | None:
        """None if the request is GitLab's; asked for after the whole body."""
        return self._refusal


class _Signed(Examination):
    def __init__(
        self, headers: Mapping[str, str], keys: Sequence[hmac.HMAC], trusted: bool, now: float
    ) -> None:
        super().__init__(_SIGNATURE)
        identity, stamp = (headers.get(name, "") for name in ("webhook-id", "webhook-timestamp"))
        versions = [part.partition(",") for part in headers["webhook-signature"].split(" ")]
        self._given = [value.encode("latin-1") for version, _, value in versions if version == "v1"]
        self._codes: list[hmac.HMAC] = []
        self._away = 0.0
        if identity and _STAMP.fullmatch(stamp) and self._given:
            self._codes = [key.copy() for key in keys]
            self.feed(f"{identity}.{stamp}.".encode("latin-1"))
            self._away = int(stamp) - now
        # A body that comes too late is checked as it passes and not kept, whatever its signature.
        self.promising = bool(self._codes) and abs(self._away) <= WINDOW_SECONDS
        self.trusted = trusted

    def feed(self, chunk: bytes) -> None:
        for code in self._codes:
            code.update(chunk)

    def refusal(self) -> Refusal | None:
        right = [base64.b64encode(code.digest()) for code in self._codes]
        if not _any_equal(self._given, right):
            return _SIGNATURE
        if self.promising:
            return None
        return Refusal(
            403,
            "too old",
            f"age: the signature is right, but webhook-timestamp is {abs(self._away):.0f} s "
            f"{'ahead of' if self._away > 0 else 'behind'} the clock of this host: somebody sends an old request "
            "again, or the clocks of GitLab and of this host differ; compare them",
        )


def _any_equal(given: Sequence[bytes], right: Sequence[bytes]) -> bool:
    # All are compared, so that the time taken does not show which one it was.
    equal = [hmac.compare_digest(one, other) for one in given for other in right]
    return any(equal)


def read_authenticity(credentials: Path, required: bool) -> Authenticity:
    """The secrets in the credentials gitlab-hook-token and, if it is there, gitlab-signing-token.

    Each holds one secret a line. StartError if one of them is not usable, or a signature is required and
    there is no signing token.
    """
    tokens = read_secrets(credentials, "gitlab-hook-token")
    file = credentials / "gitlab-signing-token"
    keys = [_key(file, token) for token in read_secrets(credentials, file.name)] if file.exists() else []
    if required and not keys:
        raise StartError(
            f'signature = "required" and there is no {file}: run the deploy again, or set signature = "accepted"'
        )
    return Authenticity(tokens, keys, required)


def _key(file: Path, token: str) -> bytes:
    try:
        key = base64.b64decode(token.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not token.startswith(_PREFIX) or len(key) != _KEY_BYTES:
        raise StartError(
            f"{file} holds a line that is not {_PREFIX} and {_KEY_BYTES} bytes in Base64 (value not shown): "
            "correct it, or remove the file and run the deploy again"
        )
    return key
