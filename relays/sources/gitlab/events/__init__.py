"""GitLab's events as messages: one module per kind (relays.sources.gitlab.event_kind), and what several of them share.

A kind is known to the relay, and to whoever deploys it, by being in a module of this package.

What is left out on purpose: repository_update, which says again what a push says; project_update, of settings;
failed sign-ins and keys, which are for the eyes of administrators.
"""

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules

from relays.sources.gitlab.event_kind import EventKind, gitlab_name
from relays.sources.gitlab.payload import Payload


def _discovered() -> Iterator[EventKind]:
    """One of each kind, in the order of their modules' names."""
    for name in sorted(module.name for module in iter_modules(__path__)):
        module = import_module(f"{__name__}.{name}")
        for _, found in inspect.getmembers(module, inspect.isclass):
            if found.__module__ == module.__name__ and issubclass(found, EventKind):
                yield found()


# By the names that sites use, and by GitLab's.
KINDS: Mapping[str, EventKind] = {kind.name: kind for kind in _discovered()}
_BY_GITLAB_NAME = {name: kind for kind in KINDS.values() for name in kind.gitlab_names}


def find_kind(payload: Payload) -> EventKind | None:
    """The kind of an event; None if there is no message about its like."""
    return _BY_GITLAB_NAME.get(gitlab_name(payload))
