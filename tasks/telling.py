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
from relays.sources.gitlab.events import find_kind
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

    channels: list[ChannelName] = Field(description="channels of the team; none: what is taken is dropped")
    projects: list[Pattern] = Field([], description="full paths; `*` stands for anything, `/` too")
    events: list[Pattern] = Field([], description="names of events, such as `merge_request`")
    actions: list[Pattern] = Field([], description="what happened, such as `merge` or `failed`")
    branches: list[Pattern] = Field([], description="names or patterns; of a merge request the target")
    labels: list[Pattern] = Field([], description="labels of an issue or merge request, any of which will do")
    confidential: bool = Field(
        False, description="the route takes confidential events, which go nowhere else, and those alone"
    )
    final: bool = Field(
        True,
        description="what it takes ends here; `false`: the routes below and the webhook's channel get it too",
    )
    language: Language | None = Field(None, description="of its messages; without it, `relays.language`")
    detail: Detail | None = Field(None, description="of its messages; without it, `gitlab.detail`")

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
    """What is not announced, as the relay has it."""

    bots: bool = Field(
        default=Mute.bots,
        description="comments, and updates of issues and merge requests, made with an access token",
    )
    child_pipelines: bool = Field(
        default=Mute.child_pipelines, description="pipelines that belong to another pipeline"
    )
    comment_edits: bool = Field(default=Mute.comment_edits, description="comments that were changed")
    echoes: bool = Field(
        default=Mute.echoes,
        description="what repeats what was just announced: by another hook, an update to a state that was announced, "
        "the failure of a deployment that was rejected",
    )
    empty_updates: bool = Field(
        default=Mute.empty_updates,
        description="updates of issues and merge requests without a change that people care about",
    )
    intermediate: bool = Field(
        default=Mute.intermediate,
        description="pipelines, jobs and deployments on their way; those that wait for somebody are announced",
    )
    jobs: bool = Field(default=Mute.jobs, description="jobs, which their pipeline reports")
    merge_pushes: bool = Field(
        default=Mute.merge_pushes,
        description="the push, and the end of the source branch, that GitLab sends besides a merge",
    )
    push_updates: bool = Field(
        default=Mute.push_updates, description="the new commits of a merge request that its push announces"
    )
    reactions: bool = Field(default=Mute.reactions, description="emoji")
    reviews: bool = Field(
        default=Mute.reviews,
        description="the single comments and approvals of a review, which is announced as a whole",
    )


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
    kind = find_kind(event.payload)
    return kind.build(event.payload, CATALOGUES["fr"]) if kind else None
