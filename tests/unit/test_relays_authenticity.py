"""Whose a request is: the token, the signature of Standard Webhooks, the time it was made at."""

import base64
import json
from pathlib import Path

import pytest

from relays.base.settings import StartError
from relays.sources.gitlab.authenticity import Authenticity, Refusal, read_authenticity

VECTOR = json.loads(
    (Path(__file__).parents[2] / "tasks/samples/gitlab/_headers_and_signature_vector.json").read_text()
)
SIGNED = {name.lower(): value for name, value in VECTOR["headers_19_signed"].items()}
UNSIGNED = {name.lower(): value for name, value in VECTOR["headers_16_to_18"].items()}
BODY = VECTOR["raw_body"].encode()
TOKEN = "jeton-de-test"
KEY = base64.b64decode(VECTOR["signing_token"].removeprefix("whsec_"))
SENT = int(SIGNED["webhook-timestamp"])


def judged(
    headers: dict[str, str],
    body: bytes = BODY,
    *,
    tokens: tuple[str, ...] = (TOKEN,),
    keys: tuple[bytes, ...] = (KEY,),
    required: bool = False,
    now: float = SENT,
) -> int:
    """The status of the refusal, 200 for none. A body that would not have been kept cannot be taken."""
    examination = Authenticity(tokens, keys, required, lambda: now).examine(headers)
    for start in range(0, len(body), 1000):
        examination.feed(body[start : start + 1000])
    refusal: Refusal | None = examination.refusal()
    assert examination.promising or refusal is not None
    return refusal.status if refusal else 200


def test_the_signature_of_gitlab() -> None:
    assert judged(SIGNED) == 200
    assert judged(SIGNED, BODY + b" ") == 401
    assert judged(SIGNED, BODY.replace(b"Admin", b"Nimda")) == 401
    assert judged(SIGNED, keys=(b"k" * 32,)) == 401


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", ["", "1", "x", "1795168201", "v1,", "v1,AAAA", "é"])
def test_a_changed_header_breaks_the_signature(header: str, value: str) -> None:
    """Whatever the token is."""
    assert judged({**SIGNED, header: value}) == 401


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp"])
def test_a_signature_needs_its_headers(header: str) -> None:
    assert judged({name: value for name, value in SIGNED.items() if name != header}) == 401


def test_one_right_signature_among_several_will_do() -> None:
    right = SIGNED["webhook-signature"]
    for value in (f"v1,AAAA {right}", f"{right} v1,AAAA", f"v1a,xyz {right} v2,abc"):
        assert judged({**SIGNED, "webhook-signature": value}) == 200
    assert judged({**SIGNED, "webhook-signature": right.replace("v1,", "v2,")}) == 401


@pytest.mark.parametrize(
    ("away", "status"), [(0, 200), (299, 200), (-299, 200), (301, 403), (-301, 403), (10**9, 403)]
)
def test_a_signature_holds_five_minutes_either_way(away: int, status: int) -> None:
    assert judged(SIGNED, now=SENT + away) == status
    assert judged(SIGNED, b"{}", now=SENT + away) == 401


def test_old_and_new_secrets_are_accepted_during_a_rotation() -> None:
    other = b"k" * 32
    assert judged(SIGNED, keys=(other, KEY)) == judged(SIGNED, keys=(KEY, other)) == 200
    for tokens in (("other", TOKEN), (TOKEN, "other")):
        assert judged(UNSIGNED, tokens=tokens) == 200


@pytest.mark.parametrize(
    ("headers", "keys", "required", "status"),
    [
        (UNSIGNED, (KEY,), False, 200),
        (UNSIGNED, (KEY,), True, 401),
        ({**UNSIGNED, "x-gitlab-token": "wrong"}, (KEY,), False, 401),
        ({}, (KEY,), False, 401),
        # A signature that nobody here can check counts for nothing, and harms nothing.
        (SIGNED, (), False, 200),
        ({**SIGNED, "x-gitlab-token": "wrong"}, (), False, 401),
        # The signature decides: the token is neither needed nor a help.
        ({**SIGNED, "x-gitlab-token": "wrong"}, (KEY,), False, 200),
        ({**SIGNED, "x-gitlab-token": "wrong"}, (KEY,), True, 200),
    ],
)
def test_what_decides(headers: dict[str, str], keys: tuple[bytes, ...], required: bool, status: int) -> None:
    assert judged(headers, keys=keys, required=required) == status


def test_bodies_are_kept_only_for_those_who_may_be_gitlab() -> None:
    def kept(headers: dict[str, str], now: float = SENT) -> bool:
        return Authenticity([TOKEN], [KEY], now=lambda: now).examine(headers).promising

    assert kept(UNSIGNED)
    assert kept({**SIGNED, "x-gitlab-token": "wrong"})
    assert not kept({**UNSIGNED, "x-gitlab-token": "wrong"})
    assert not kept({**SIGNED, "webhook-signature": "v1,AAAA", "webhook-id": ""})
    assert not kept(SIGNED, SENT + 301)


def test_credentials_hold_one_secret_a_line(tmp_path: Path) -> None:
    (tmp_path / "gitlab-hook-token").write_text(f"\nnew\n\n  {TOKEN}\n")
    for lines in ("", f"\n{VECTOR['signing_token']}\n", f"whsec_{'A' * 43}=\n{VECTOR['signing_token']}"):
        if lines:
            (tmp_path / "gitlab-signing-token").write_text(lines)
        authenticity = read_authenticity(tmp_path, required=bool(lines))
        assert (authenticity.examine(UNSIGNED).refusal() is None) == (not lines)
        examination = authenticity.examine({**SIGNED, "x-gitlab-token": "new"})
        examination.feed(BODY)
        refusal = examination.refusal()
        assert (refusal.status if refusal else 200) == (403 if lines else 200)


@pytest.mark.parametrize(
    "line",
    [
        "secret9value",
        VECTOR["signing_token"].removeprefix("whsec_"),
        "whsec_",
        "whsec_AAAA",
        VECTOR["signing_token"][:-1],
        VECTOR["signing_token"] + "AAAA",
        "whsec_é" + "A" * 42 + "=",
    ],
)
def test_a_signing_token_that_is_none_is_reported_and_not_shown(tmp_path: Path, line: str) -> None:
    (tmp_path / "gitlab-hook-token").write_text(TOKEN)
    (tmp_path / "gitlab-signing-token").write_text(f"{VECTOR['signing_token']}\n{line}\n")
    with pytest.raises(StartError, match="gitlab-signing-token holds a line that is not whsec_") as error:
        read_authenticity(tmp_path, required=False)
    assert line == "whsec_" or line not in str(error.value)
