"""What a site may say of how GitLab's events are told: detail, mutes, routes, people, wording."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo
from pydantic.dataclasses import dataclass

from relays.mattermost.message import Message
from relays.sources.gitlab import routing
from relays.sources.gitlab import templates as reword
from relays.sources.gitlab.event import Event, read_event
from relays.sources.gitlab.events import BUILDERS
from relays.sources.gitlab.events.common import kind_of
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.people import is_name
from relays.wording import CATALOGUES

SAMPLES = Path(__file__).parent / "samples" / "gitlab"

_STRICT = ConfigDict(extra="forbid", frozen=True)

Language = Literal["fr", "en"]
Detail = Literal["full", "short"]
# Names as Mattermost accepts them (server/public/model, release 11.6).
ChannelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Pattern = Annotated[str, Field(min_length=1)]


class Route(BaseModel):
    """A route as relays.sources.gitlab.routing has it; what it does not say of language and detail is as elsewhere."""

    model_config = _STRICT

    channels: list[ChannelName]
    projects: list[Pattern] = []
    events: list[Pattern] = []
    actions: list[Pattern] = []
    branches: list[Pattern] = []
    labels: list[Pattern] = []
    confidential: bool = False
    final: bool = True
    language: Language | None = None
    detail: Detail | None = None

    def conditions(self) -> routing.Route:
        """What it takes, as the relay sees it."""
        return routing.Route(
            channels=tuple(self.channels),
            projects=tuple(self.projects),
            events=tuple(self.events),
            actions=tuple(self.actions),
            branches=tuple(self.branches),
            labels=tuple(self.labels),
            confidential=self.confidential,
            final=self.final,
        )


@dataclass(config=ConfigDict(extra="forbid"), frozen=True)
class MuteSettings(Mute):
    """What is not told, as relays.sources.gitlab.mute has it."""


def _check_person(name: str) -> str:
    if not is_name(name):
        raise ValueError("is not the name of one user of Mattermost")
    return name


def check_routes(routes: list[Route], info: ValidationInfo) -> list[Route]:
    """ValueError for the first route that no event can ever take."""
    mute = info.data.get("mute", Mute())
    for place, reason in routing.faults([route.conditions() for route in routes], mute):
        raise ValueError(f"route {place + 1} can never match: {reason}")
    return routes


def check_wording(wording: dict[Language, dict[str, str]]) -> dict[Language, dict[str, str]]:
    """ValueError for the first template that fails on a sample of its event."""
    for language, templates in wording.items():
        for name, reason in reword.faults(
            templates, _samples() if templates else [], _tell, CATALOGUES[language]
        ):
            raise ValueError(f"the {language} template {name} cannot be used: {reason}")
    return wording


Person = Annotated[str, AfterValidator(_check_person)]
Routes = Annotated[list[Route], AfterValidator(check_routes)]
Wording = Annotated[dict[Language, dict[str, str]], AfterValidator(check_wording)]


@cache
def _samples() -> Iterable[Event]:
    """GitLab's payloads, one and more of each event."""
    return [
        read_event(Payload(json.loads(path.read_text(encoding="utf-8"))))
        for path in sorted(SAMPLES.glob("[a-z]*.json"))
    ]


def _tell(event: Event) -> Message | None:
    kind = kind_of(event.payload)
    return BUILDERS[kind](event.payload, CATALOGUES["fr"]) if kind in BUILDERS else None
