"""A slash command of Mattermost: what its request says, and what is answered.

Measured on 5.37: a request is a form that bears the token of the command, and no signature or time. The server waits 30
seconds for the answer. Later ones may be sent to an address of its own, five times within half an hour.
"""

import json
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from relays.mattermost.markup import Markup

MEDIA_TYPE = "application/json"
TOKEN = "mattermost-command-token"  # noqa: S105  # the name of the credential
# Mattermost takes 16,383 characters of a post for everybody; what one person is answered may be longer, and should not.
LONGEST_ANSWER = 12_000
_MORE = Markup("…")
# Mentions of people and channels in the text are fields as well.
_MOST_FIELDS = 2_000
# Letters and digits, which no form writes in another way.
_TOKEN = re.compile(rb"(?:\A|&)token=([^&]+)")
_ID = re.compile(r"[a-z0-9]{26}")
_POST = re.compile(r"[a-z0-9]{1,26}")
_WORD = re.compile(r"/[A-Za-z0-9_./-]{1,128}")
# The name of a channel of two people, and of a few.
_DIRECT = re.compile(r"[a-z0-9]{26}__[a-z0-9]{26}|[0-9a-f]{40}")
_RESPONSE = re.compile(r"/hooks/commands/([A-Za-z0-9]{1,64})\Z")


class NotACommandError(ValueError):
    """A body that is none of a slash command's."""


@dataclass(frozen=True)
class SlashCommand:
    """Who has typed what where. `word` is the command with its slash, `words` what stands behind it.

    `team` and `channel` are names, that of a direct channel made of two numbers; `response` is what leads a later
    answer to the person, a secret. `root_id` is the first post of the thread that it was typed in, which 11.6 says.
    """

    team: str
    channel: str
    channel_id: str
    user_id: str
    word: str
    words: tuple[str, ...]
    response: str = field(default="", repr=False)
    root_id: str = ""

    @property
    def is_direct(self) -> bool:
        """Whether it was typed where a few people write to each other, to which nobody can be added (measured)."""
        return bool(_DIRECT.fullmatch(self.channel))


def token_of(body: bytes) -> str:
    """The token that a request bears, nothing without one. It spares reading all of what a stranger sends."""
    found = _TOKEN.search(body)
    return found[1].decode("latin-1") if found else ""


def read_command(body: bytes) -> SlashCommand:
    """The command that a request is. NotACommandError."""
    try:
        fields = parse_qs(
            body.decode("ascii"), strict_parsing=True, keep_blank_values=True, max_num_fields=_MOST_FIELDS
        )
    except ValueError:  # a UnicodeDecodeError is one
        raise NotACommandError from None
    said = {name: values[0] for name, values in fields.items()}
    word = said.get("command", "")
    channel_id, user_id = (said.get(name, "") for name in ("channel_id", "user_id"))
    if not (_WORD.fullmatch(word) and _ID.fullmatch(channel_id) and _ID.fullmatch(user_id)):
        raise NotACommandError
    response = _RESPONSE.search(said.get("response_url", ""))
    return SlashCommand(
        said.get("team_domain", ""),
        said.get("channel_name", ""),
        channel_id,
        user_id,
        word,
        tuple(said.get("text", "").split()),
        response[1] if response else "",
        said.get("root_id", "") if _POST.fullmatch(said.get("root_id", "")) else "",
    )


def fitting(text: Markup) -> str:
    """An answer, or its beginning if it is too long."""
    return text if len(text) <= LONGEST_ANSWER else text[: LONGEST_ANSWER - len(_MORE)] + _MORE


def answer(text: Markup) -> bytes:
    """The body of an answer that who has asked alone sees."""
    # What is public would be posted in the name of who has asked (measured).
    content = {"response_type": "ephemeral", "text": fitting(text), "skip_slack_parsing": True}
    return json.dumps(content, ensure_ascii=False).encode()
