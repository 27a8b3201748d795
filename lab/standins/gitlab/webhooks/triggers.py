"""The kinds of events that hooks may ask for."""

from typing import NamedTuple


class Trigger(NamedTuple):
    """A kind of event."""

    attribute: str
    """The hook's switch for it, which also names it in the test API."""
    name: str
    """How the log of deliveries calls it."""

    @property
    def header(self) -> str:
        """`X-Gitlab-Event`."""
        return self.name.removesuffix("s").replace("_", " ").title()


PUSH = Trigger("push_events", "push_hooks")
TAG_PUSH = Trigger("tag_push_events", "tag_push_hooks")
ISSUE = Trigger("issues_events", "issue_hooks")
CONFIDENTIAL_ISSUE = Trigger("confidential_issues_events", "confidential_issue_hooks")
MERGE_REQUEST = Trigger("merge_requests_events", "merge_request_hooks")
NOTE = Trigger("note_events", "note_hooks")
CONFIDENTIAL_NOTE = Trigger("confidential_note_events", "confidential_note_hooks")
TRIGGERS = (PUSH, TAG_PUSH, ISSUE, CONFIDENTIAL_ISSUE, MERGE_REQUEST, NOTE, CONFIDENTIAL_NOTE)
