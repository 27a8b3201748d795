"""Whether an event is for members only: a confidential issue, an internal comment, and what is about either.

GitLab says so in the body (`confidential`, `internal`, the beginning of `event_type`) and in the header of the event
(`Confidential Note Hook`); whichever says it wins. A comment or a reaction is about something else, which GitLab may
not send along; then it is public only if that can be known to be so.
"""

from relays.sources.gitlab.payload import Payload

_MARKS = ("confidential", "internal")
# What is never confidential in GitLab (its code of 18.5 and 19.x), by its type and by the key of what is sent along.
_OPEN_TYPES = ("Commit", "MergeRequest", "Snippet", "ProjectSnippet", "WikiPage::Meta")
_OPEN_KEYS = ("commit", "merge_request", "snippet", "project_snippet")
_WORK_ITEMS = ("issue", "work_item")


def is_marked(payload: Payload, header: str) -> bool:
    """Whether GitLab says of an event that it is confidential; `header` is the event that its header names."""
    said = header.lower().startswith("confidential ") or payload.text("event_type").startswith(
        "confidential_"
    )
    holders = ((), *((key,) for key in payload.mapping()))
    return said or any(payload.flag(*holder, mark) for holder in holders for mark in _MARKS)


def is_about_the_open(payload: Payload, header: str) -> bool:
    """Whether what a comment or a reaction is about is known not to be confidential."""
    if any(payload.mapping(key) for key in _OPEN_KEYS) or _type_of_subject(payload) in _OPEN_TYPES:
        return True
    items = [payload.at(key) for key in _WORK_ITEMS if payload.mapping(key)]
    # GitLab looks at the issue as well before it calls a comment on it one that is not confidential.
    called_open = payload.text("event_type") == "note" or header.lower() == "note hook"
    return bool(items) and (called_open or all(item.mapping().get("confidential") is False for item in items))


def _type_of_subject(payload: Payload) -> str:
    attributes = payload.at("object_attributes")
    of_reaction = attributes.text("awardable_type")
    if of_reaction == "Note":
        return payload.text("note", "noteable_type")
    return of_reaction or attributes.text("noteable_type")
