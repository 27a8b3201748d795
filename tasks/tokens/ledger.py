"""The tokens that setup has made, noted down beside the settings: which they are and until when, never what they are.

The settings hold the tokens themselves. By this file `rotate` and `teardown` know those that Passerelle has made
among those that people gave it.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import SecretStr

from tasks.operations.resource import ResourceError
from tasks.settings_file import replace_file


@dataclass(frozen=True)
class Token:
    """A token of an application.

    `host` is the address of the site's host, `setting` where the token stands (`gitlab.token`); `id` is the
    application's number for it, `account` whose it is there. `expires` is a day, empty if it never does. `mark` is
    the token's own and does not reveal it.
    """

    host: str
    setting: str
    id: str
    account: str
    mark: str
    expires: str = ""

    @property
    def application(self) -> str:
        """`gitlab`, `mattermost` or `nextcloud`."""
        return self.setting.partition(".")[0]

    @property
    def described(self) -> str:
        """For people."""
        until = f", until {self.expires}" if self.expires else ""
        return f"{self.setting}, made by setup ({self.account}'s{until})"


def mark(secret: SecretStr | str) -> str:
    """What this secret is known by, and does not reveal it: it has more bits than anybody could try."""
    text = secret if isinstance(secret, str) else secret.get_secret_value()
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def beside(settings: Path) -> Path:
    """The ledger of a settings file."""
    return settings.with_suffix(".tokens.json")


def read(settings: Path) -> list[Token]:
    """All that setup has made for the sites of that settings file."""
    path = beside(settings)
    try:
        return [Token(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, OSError) as error:
        raise ResourceError(
            f"{path}, where setup has noted down what it made, cannot be read ({error}); correct or remove it: then "
            "those tokens are nobody's to renew or to revoke"
        ) from None


def write(settings: Path, tokens: Iterable[Token]) -> None:
    """Note these down in the place of what is there; without any, there is no file."""
    entries = [asdict(token) for token in tokens]
    if entries:
        replace_file(beside(settings), json.dumps(entries, indent=1) + "\n")
    else:
        beside(settings).unlink(missing_ok=True)


def add(settings: Path, token: Token) -> None:
    """Note down one more."""
    write(settings, [*read(settings), token])


def drop(settings: Path, token: Token) -> None:
    """Take one out, if it is there."""
    there = read(settings)
    if token in there:
        write(settings, [each for each in there if each != token])
