"""What can be done in a conversation as it stands, beside talking: what its root may have buttons for."""

from collections.abc import Sequence

from relays.sources.gitlab.conversations.state import State
from relays.sources.gitlab.payload import Payload

ACTIONS = {"merge_request": ("review", "retry", "mute"), "issue": ("mute",), "pipeline": ("retry",)}
"""The actions by kinds, in the order of the buttons (commands.buttons)."""


def actions_on(kind: str, state: State) -> Sequence[str]:
    """Those that make sense now: on what is open, and `retry` while its pipeline has failed."""
    is_open = kind == "pipeline" or state.of("subject").text("state") == "opened"
    possible = ACTIONS.get(kind, ()) if is_open else ()
    return [action for action in possible if action != "retry" or failed_pipeline(state)]


def failed_pipeline(state: State) -> Payload | None:
    """The pipeline that a conversation is about, if it has failed."""
    pipeline = pipeline_of_head(state)
    has_failed = pipeline and pipeline.text("status") == "failed" and pipeline.text("id").isdecimal()
    return pipeline if has_failed else None


def pipeline_of_head(state: State) -> Payload | None:
    """The newest pipeline, unless it ran for other commits than those that are there now."""
    pipeline, head = state.of("pipeline"), state.of("subject").text("head")
    runs_for_it = pipeline.flag("own") or not head or pipeline.text("sha") == head
    return pipeline if pipeline.mapping() and runs_for_it else None
