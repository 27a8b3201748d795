"""Events of GitLab as messages: one module per kind, each with one function from the payload to the message.

A kind is known by its `object_kind`, or where there is none by its `event_name` (as GitLab documents it), never by
the header, which is the same for all system hooks.
"""

from collections.abc import Callable, Mapping

from relays.gitlab.events import (
    deployment,
    issue,
    merge_request,
    note,
    pipeline,
    push,
    release,
    tag_push,
    wiki_page,
)
from relays.gitlab.payload import Payload
from relays.message import Message
from relays.wording import Wording

# None: the event is not worth a message.
Builder = Callable[[Payload, Wording], Message | None]

BUILDERS: Mapping[str, Builder] = {
    "push": push.build,
    "merge_request": merge_request.build,
    "issue": issue.build,
    "work_item": issue.build,
    "note": note.build,
    "tag_push": tag_push.build,
    "pipeline": pipeline.build,
    "deployment": deployment.build,
    "release": release.build,
    "wiki_page": wiki_page.build,
}


def kind_of(payload: Payload) -> str:
    """The kind of an event, empty if it says none."""
    return payload.text("object_kind") or payload.text("event_name")
