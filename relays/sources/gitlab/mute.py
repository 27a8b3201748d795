"""What is muted because it is no news; a site can have each of them announced."""

from dataclasses import fields

from pydantic import Field
from pydantic.dataclasses import dataclass

from relays.base.schema import STRICT
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events import KINDS


@dataclass(config=STRICT, frozen=True)
class Mute:
    """What is not announced.

    Of echoes, merge_pushes, push_updates and reviews it takes more than the event itself to know (correlation).
    """

    bots: bool = Field(
        default=True,
        description="comments, and updates of issues and merge requests, made with an access token",
    )
    child_pipelines: bool = Field(default=True, description="pipelines that belong to another pipeline")
    comment_edits: bool = Field(default=True, description="comments that were changed")
    echoes: bool = Field(
        default=True,
        description="what repeats what was just announced: by another hook, an update to a state that was announced, "
        "the failure of a deployment that was rejected",
    )
    empty_updates: bool = Field(
        default=True,
        description="updates of issues and merge requests without a change that people care about",
    )
    intermediate: bool = Field(
        default=True,
        description="pipelines, jobs and deployments on their way; those that wait for somebody are announced",
    )
    jobs: bool = Field(default=True, description="jobs, which their pipeline reports")
    merge_pushes: bool = Field(
        default=True,
        description="the push, and the end of the source branch, that GitLab sends besides a merge",
    )
    push_updates: bool = Field(
        default=True, description="the new commits of a merge request that its push announces"
    )
    reactions: bool = Field(default=True, description="emoji")
    reviews: bool = Field(
        default=True,
        description="the single comments and approvals of a review, which is announced as a whole",
    )

    def reason(self, event: Event) -> str:
        """The name of the setting that mutes an event for what it is; empty if it is to be announced."""
        kind = KINDS.get(event.name)
        noises = {*kind.noises(event.payload, event.actions)} if kind else ()
        return next(
            (each.name for each in fields(self) if each.name in noises and getattr(self, each.name)), ""
        )

    def mutes(self, kind: EventKind) -> bool:
        """Whether all events of a kind are muted."""
        return bool(kind.muted_by) and bool(getattr(self, kind.muted_by))
