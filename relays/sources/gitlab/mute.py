"""What is muted because it is no news; a site can have each of them announced."""

from dataclasses import dataclass, fields

from relays.sources.gitlab.event import Event
from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events import KINDS


@dataclass(frozen=True)
class Mute:
    """What is muted.

    bots               comments, and updates of issues and merge requests, made with an access token
    child_pipelines    pipelines that belong to another pipeline
    comment_edits      comments that were changed
    echoes             what says again what was just announced: by another hook, an update to a state that is
                       announced, the failure of a deployment that was rejected
    empty_updates      updates of issues and merge requests without a change that people care about
    intermediate       pipelines, jobs and deployments that get on by themselves; what waits for somebody is announced
    jobs               jobs, which their pipeline reports
    merge_pushes       the push, and the end of the source branch, that GitLab sends besides a merge
    push_updates       the new commits of a merge request that its push announces
    reactions          emoji
    reviews            the single comments and approvals of a review, which is announced as a whole

    Of echoes, merge_pushes, push_updates and reviews it takes more than the event itself to know (correlation).
    """

    bots: bool = True
    child_pipelines: bool = True
    comment_edits: bool = True
    echoes: bool = True
    empty_updates: bool = True
    intermediate: bool = True
    jobs: bool = True
    merge_pushes: bool = True
    push_updates: bool = True
    reactions: bool = True
    reviews: bool = True

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
