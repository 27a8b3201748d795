"""No secret gets into what the deploy and the doctor show, or into the evidence; nothing else is hidden."""

import pytest

from tasks.operations.masking import HIDDEN, Mask
from tests.evidence.journal import Journal
from tests.evidence.mask import evidence_mask

TOKEN = "s3cr3t/+ü-of-the-site"
HOOK_ID = "ybndrfg8ejkmcpqxot1uwisza3"


SECRETS = [
    f"token {TOKEN} in words",
    "as in a URL: s3cr3t%2F%2B%C3%BC-of-the-site",
    'as in JSON: "s3cr3t/+\\u00fc-of-the-site"',
    f"http://chat.example.org/hooks/{HOOK_ID}",
    f'{{"id":"{HOOK_ID}","channel_locked":true}}',
    f'GITLAB_WEBHOOK_URL="http://chat.example.org/hooks/{HOOK_ID}"',
    "glpat-abcdefghijklmnopqrst",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLw==",
    "http://root:hunter2hunter2@git.example.org/x.git",
]
# Of what is kept as evidence, anything that could be one.
POSSIBLE = [
    "Authorization: Bearer abcdef0123456789",
    '{"password":"hunter2hunter2"}',
    "GITLAB_ROOT_PASSWORD=hunter2hunter2",
    "PRIVATE-TOKEN: hunter2hunter2",
]


@pytest.mark.parametrize(
    ("mask", "text"),
    [
        *((Mask([TOKEN]), text) for text in SECRETS),
        *((evidence_mask([TOKEN]), text) for text in SECRETS + POSSIBLE),
    ],
)
def test_planted_secret_is_hidden(mask: Mask, text: str) -> None:
    masked = mask(text)
    assert HIDDEN in masked
    for secret in ("of-the-site", HOOK_ID[4:], "abcdef", "MfKQ9r8", "hunter2"):
        assert secret not in masked


@pytest.mark.parametrize(
    "text",
    [
        '{"token_present":true,"signing_token_present":false}',
        '{"last_password_update":1795597437669}',
        "9fceb02d0ae598e95dc970b74767f19372d61af8",
        "directory www-data",
        "-rw------- root /etc/passerelle/gitlab-hook-token",
        "essai-0a1b2c3d4e",
    ],
)
def test_what_is_no_secret_is_kept(text: str) -> None:
    assert Mask([TOKEN])(text) == evidence_mask([TOKEN])(text) == text


def test_two_ids_can_still_be_compared() -> None:
    other = "z" + HOOK_ID[1:]
    assert Mask()(HOOK_ID) == Mask()(HOOK_ID) != Mask()(other)


def test_longer_secret_is_hidden_whole() -> None:
    assert Mask(["abc123", "abc123def456"])("abc123def456") == HIDDEN


def test_secret_at_the_end_of_a_long_answer_leaves_no_piece() -> None:
    """Masked before it is cut: half a token would not be known again."""
    for padding in range(1480, 1501):
        journal = Journal(evidence_mask([TOKEN]))
        journal.record("$ cat", "x" * padding + TOKEN)
        assert "s3cr" not in journal.take()[0].answered


def test_repeated_question_keeps_the_last_answer() -> None:
    journal = Journal(evidence_mask())
    for answer in ("[]", "[]", '["the message"]'):
        journal.record("GET /posts", answer)
    journal.record("GET /hooks", "[]")
    first, second = journal.take()
    assert (first.asked, first.answered, first.times) == ("GET /posts", '["the message"]', 3)
    assert (second.asked, second.times) == ("GET /hooks", 1)
    assert journal.take() == []
