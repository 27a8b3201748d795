"""python -m tasks.events_page: write the kinds of events and their actions into docs/routing.md, from their classes."""

from collections.abc import Iterator

from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events import KINDS
from tasks.generated import DOCS, item, replaced

PAGE = DOCS / "routing.md"


def page(text: str) -> str:
    """The page with the list as the classes have it now; `text` is the page as it is."""
    # Those that only some sites get stand last.
    kinds = sorted(KINDS.values(), key=lambda kind: not kind.triggers)
    return replaced(text, "\n".join(map(_entry, kinds)), "tasks.events_page")


def _entry(kind: EventKind) -> str:
    known = "; ".join(_known_of(kind))
    actions = ", ".join(f"`{action}`" for action in kind.actions)
    return item(f"**`{kind.name}`**{f' ({known})' if known else ''}: {actions}")


def _known_of(kind: EventKind) -> Iterator[str]:
    """What a route can ask of a kind besides its actions, and when it is not announced at all."""
    has = {
        "author": kind.author_at,
        "branch": kind.branch_at,
        "labels": kind.labels_at,
        "may be confidential": kind.maybe_confidential,
    }
    if named := [name for name, given in has.items() if given]:
        yield ", ".join(named)
    if not kind.triggers:
        yield "system hooks and group hooks only"
    if kind.muted_by:
        yield f"left out by `gitlab.mute.{kind.muted_by}`"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
