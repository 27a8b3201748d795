"""Settings that could do nothing, by what else a site says: each is refused, with what it needs."""

from collections.abc import Iterator

from pydantic_core import InitErrorDetails, PydanticCustomError

from tasks.site_gitlab import GitLab
from tasks.site_mattermost import Mattermost
from tasks.site_nextcloud import Nextcloud
from tasks.site_relays import Relays

_BOT = 'needs mattermost.posting = "bot", for a webhook '


def without_effect(
    chat: Mattermost, nextcloud: Nextcloud, gitlab: GitLab, relays: Relays
) -> Iterator[InitErrorDetails]:
    """A fault for each setting that is there and could do nothing."""
    if gitlab.write_token and not (chat.commands and chat.posting == "bot"):
        needs = (
            'needs mattermost.commands and mattermost.posting = "bot", by which people have something done'
        )
        yield _fault(needs, gitlab.write_token, "gitlab", "write_token")
    elif gitlab.write_token and not gitlab.people:
        needs = "needs gitlab.people, which says as whom in GitLab somebody acts: nobody else may"
        yield _fault(needs, gitlab.write_token, "gitlab", "write_token")
    yield from _conversing(chat, gitlab)
    yield from _in_person(chat, gitlab)
    yield from _reminding(chat, nextcloud, relays)


def _conversing(chat: Mattermost, gitlab: GitLab) -> Iterator[InitErrorDetails]:
    if chat.posting == "bot":
        return
    needs = _BOT + "makes a post of each event"
    asked = gitlab.conversations if "conversations" in gitlab.model_fields_set else "single"
    if asked != "single":
        yield _fault(needs, asked, "gitlab", "conversations")
    for place, route in enumerate(gitlab.routes):
        if route.conversations not in (None, "single"):
            yield _fault(needs, route.conversations, "gitlab", "routes", place, "conversations")


def _in_person(chat: Mattermost, gitlab: GitLab) -> Iterator[InitErrorDetails]:
    """What people are to hear of in person, where nobody is written to."""
    asked: list[tuple[object, tuple[str, ...]]] = []
    if gitlab.notify:
        asked.append((gitlab.notify, ("notify",)))
    if gitlab.reminders and gitlab.reminders.direct and "direct" in gitlab.reminders.model_fields_set:
        asked.append((True, ("reminders", "direct")))
    if chat.posting != "bot":
        if gitlab.direct_messages and "direct_messages" in gitlab.model_fields_set:
            asked.append((True, ("direct_messages",)))
        needs = _BOT + "writes to nobody in person"
    elif not gitlab.direct_messages:
        needs = "needs gitlab.direct_messages = true, without which nobody is written to in person"
    else:
        return
    for value, where in asked:
        yield _fault(needs, value, "gitlab", *where)


def _reminding(chat: Mattermost, nextcloud: Nextcloud, relays: Relays) -> Iterator[InitErrorDetails]:
    needs = "needs mattermost.buttons = true, by which people say that they take a document"
    places: list[tuple[tuple[str | int, ...], str | None]] = [((), nextcloud.remind_after)]
    places += [(("trees", place), tree.remind_after) for place, tree in enumerate(nextcloud.trees)]
    reminded = [(where, after) for where, after in places if after]
    if not chat.buttons:
        for where, after in reminded:
            yield _fault(needs, after, "nextcloud", *where, "remind_after")
    elif relays.hosts and reminded:
        both = (
            "hosts and nextcloud.remind_after do not go together: where several hosts take presses in, documents have "
            "no button; take one of them out"
        )
        yield _fault(both, None, "relays")


def _fault(needs: str, value: object, *where: str | int) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError("value_error", needs), loc=where, input=value)
