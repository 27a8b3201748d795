"""Events of GitLab as messages: one module per kind, each with one function from the payload to the message.

A kind is known by its `object_kind`, or where there is none by its `event_name` (as GitLab documents it), never by
the header, which is the same for all system hooks.
"""

from collections.abc import Callable, Mapping

from relays.mattermost.message import Message
from relays.sources.gitlab.events import (
    build,
    deployment,
    emoji,
    feature_flag,
    issue,
    member,
    merge_request,
    milestone,
    namespace,
    note,
    pipeline,
    push,
    release,
    tag_push,
    token,
    vulnerability,
    wiki_page,
)
from relays.sources.gitlab.events.common import kind_of as kind_of
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

# None: the event is not worth a message.
Builder = Callable[[Payload, Wording], Message | None]

# What is left out on purpose: repository_update, which says again what a push says; project_update, of settings;
# failed sign-ins and keys, which are for the eyes of administrators.
BUILDERS: Mapping[str, Builder] = {
    "push": push.build,
    "tag_push": tag_push.build,
    "merge_request": merge_request.build,
    "issue": issue.build,
    "work_item": issue.build,
    "note": note.build,
    "emoji": emoji.build,
    "pipeline": pipeline.build,
    "build": build.build,
    "deployment": deployment.build,
    "release": release.build,
    "milestone": milestone.build,
    "wiki_page": wiki_page.build,
    "feature_flag": feature_flag.build,
    "access_token": token.build,
    "deploy_token": token.build,
    "vulnerability": vulnerability.build,
    **dict.fromkeys(member.WORDINGS, member.build),
    **dict.fromkeys(namespace.WORDINGS, namespace.build),
}
