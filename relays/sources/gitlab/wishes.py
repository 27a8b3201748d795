"""What people want to hear of in person: the settings, and the one place that decides it."""

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, Field

Thing = Literal[
    "assigned", "review", "mentioned", "changes", "approved", "merged", "broken", "fixed", "reminders"
]
"""What a direct message may be about."""
THINGS: tuple[Thing, ...] = get_args(Thing)

# As GitLab documents them.
_USER = re.compile("[A-Za-z0-9_.][A-Za-z0-9_.-]{0,254}")

_Said = TypeVar("_Said", bound=Mapping[str, Any])

Wishes = Mapping[str, Collection[Thing]]
"""From user names in GitLab to what each wants to hear of in person."""


def wants(wishes: Wishes, user: str, thing: Thing) -> bool:
    """Whether a user of GitLab wants to hear of a thing in person; who has said nothing hears of everything."""
    # GitLab distinguishes no case in names, nor may it matter how a site writes them.
    said = (wanted for name, wanted in wishes.items() if name.casefold() == user.casefold())
    return thing in next(said, THINGS)


def check_user_names(users: _Said) -> _Said:
    """What is said of users of GitLab, by their names. ValueError for one that is none, and for two of one user."""
    names: dict[str, str] = {}
    for name in users:
        folded = name.casefold()
        if not _USER.fullmatch(name):
            raise ValueError(f"{name} is no user name in GitLab: write one such as camille.morel, without @")
        if folded in names:
            raise ValueError(f"{names[folded]} and {name} are one user of GitLab: keep one of them")
        names[folded] = name
    return users


InPersonWishes = Annotated[
    dict[str, tuple[Thing, ...]],
    AfterValidator(check_user_names),
    Field(
        default={},
        description="what a bot writes to each person of, by user names in GitLab: any of "
        + ", ".join(f"`{thing}`" for thing in THINGS)
        + "; `[]`: nothing. Whoever is not named hears of everything",
    ),
]
