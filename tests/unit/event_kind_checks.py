"""What an event kind lacks: the checks behind tests/unit/test_event_kinds.py, for one kind or for all of them."""

import copy
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

_REQUIRED = ("name", "gitlab_names", "actions", "triggers")
_SETTINGS = {field.name for field in fields(Mute)}
# So deep are the keys without which, and with other values of which, a sample is tried.
_DEPTH = 3


class _Recorder(dict[str, str]):
    """A catalogue that has every text, and notes which are asked for."""

    def __init__(self, texts: Wording) -> None:
        super().__init__(texts)
        self.asked: set[str] = set()

    def __missing__(self, key: str) -> str:
        return key

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        return super().__getitem__(key)


def lacks(
    kind: EventKind, module: str, samples: Mapping[str, Any], catalogues: Mapping[str, Wording]
) -> Iterator[str]:
    """What a kind of this module lacks, in words; `samples` are the payloads of it."""
    unsaid = [name for name in _REQUIRED if not hasattr(kind, name)]
    if unsaid:
        yield f"it does not say: {', '.join(unsaid)}"
        return
    if module.rpartition(".")[2] != kind.name:
        yield f"its module is not called {kind.name}"
    if not kind.gitlab_names or not kind.actions:
        yield "it has no name in GitLab, or no action"
    yield from (f"the hooks of GitLab have no trigger {trigger}" for trigger in _unknown_triggers(kind))
    if kind.muted_by and kind.muted_by not in _SETTINGS:
        yield f"there is no setting mute.{kind.muted_by}"
    if not samples:
        yield "tasks/samples/gitlab has no sample of it"
        return
    yield from _of_samples(kind, samples)
    yield from _of_wordings(kind, samples, catalogues)


def doubles(kinds: Iterable[EventKind]) -> list[str]:
    """The names that more than one of the kinds goes by, with sites or with GitLab."""
    kinds = list(kinds)
    ours, theirs = [kind.name for kind in kinds], [name for kind in kinds for name in kind.gitlab_names]
    return [name for names in (ours, theirs) for name in dict.fromkeys(names) if names.count(name) > 1]


def _unknown_triggers(kind: EventKind) -> Iterator[str]:
    """Those that are not named after the kind, in the way of GitLab."""
    names = "|".join((kind.name, *kind.gitlab_names))
    for prefix, triggers in (("(resource_)?", kind.triggers), ("confidential_", kind.confidential_triggers)):
        yield from (each for each in triggers if not re.fullmatch(f"{prefix}({names})s?_events", each))


def _of_samples(kind: EventKind, samples: Mapping[str, Any]) -> Iterator[str]:
    payloads = {name: Payload(payload) for name, payload in samples.items()}
    acted = False
    for name, payload in payloads.items():
        actions = frozenset(filter(None, kind.actions_of(payload)))
        acted = acted or bool(actions)
        if unknown := actions - {*kind.actions}:
            yield f"sample {name}: {', '.join(sorted(unknown))} is none of its actions"
        unset = {*kind.noises(payload, actions)} - _SETTINGS
        yield from (f"sample {name}: there is no setting mute.{setting}" for setting in sorted(unset))
    if not acted:
        yield "no sample has an action where action_at says"
    if kind.author_at and not any(map(kind.author_of, payloads.values())):
        yield "no sample has an author where author_at says"
    if kind.branch_at and not any(map(kind.branch_of, payloads.values())):
        yield "no sample has a branch where branch_at says"
    # A list of none will do.
    lists = ("labels" in each.mapping(*path) for each in payloads.values() for path in kind.labels_at)
    if kind.labels_at and not any(lists):
        yield "no sample has labels where labels_at says"
    if not any(kind.build(payload, _Recorder({})) for payload in payloads.values()):
        yield "no sample of it comes to a message"


def _of_wordings(
    kind: EventKind, samples: Mapping[str, Any], catalogues: Mapping[str, Wording]
) -> Iterator[str]:
    asked, fault = asked_by(kind, samples.values(), catalogues)
    if fault:
        yield f"it fails ({fault}) once a key of a sample is missing or another: {{places}} may need [brackets]"
    if not any(key.startswith(f"{kind.name}.") for key in asked):
        yield f"it says nothing under keys that begin with {kind.name}."
    for language, texts in catalogues.items():
        for key in sorted(asked - texts.keys()):
            yield f"relays/wording/{language}.py lacks {key}"
        for key in sorted(key for key in texts if key.startswith(f"{kind.name}.") and key not in asked):
            yield f"nothing says {key} of relays/wording/{language}.py"


def asked_by(
    kind: EventKind, payloads: Iterable[Any], catalogues: Mapping[str, Wording]
) -> tuple[set[str], str]:
    """The texts that a kind says of these payloads, whatever in them is missing or another one; an error in it."""
    recorder, fault = (
        _Recorder({key: text for texts in catalogues.values() for key, text in texts.items()}),
        "",
    )
    for payload in payloads:
        for variant in _variants(kind, copy.deepcopy(payload)):
            try:
                kind.build(Payload(variant), recorder)
            except Exception as error:
                fault = fault or repr(error)
    return recorder.asked, fault


def _variants(kind: EventKind, payload: Any) -> Iterator[Any]:
    """A sample under each name of the kind and with each of its actions, and those less or other by one key."""
    for name in kind.gitlab_names:
        for action in (*kind.actions, "something else"):
            variant = copy.deepcopy(payload)
            variant["object_kind" if "object_kind" in payload else "event_name"] = name
            parent = variant
            for key in kind.action_at[:-1]:
                parent = parent.setdefault(key, {})
            parent[kind.action_at[-1]] = action
            yield variant
            yield from _others(variant, variant, lambda value: kind.actions if value in kind.actions else ())
    yield from _others(payload, payload, _other_values)


def _others(
    payload: Any, whole: Any, values: Callable[[Any], Collection[Any]], depth: int = _DEPTH
) -> Iterator[Any]:
    """The payload with other values under each of its keys in turn."""
    if not isinstance(payload, dict) or not depth:
        return
    for key, value in list(payload.items()):
        # What it is known by stays.
        if key == "object_kind" or (key == "event_name" and "object_kind" not in whole):
            continue
        for other in values(value):
            payload[key] = other
            yield whole
        payload[key] = value
        below = value[-1] if isinstance(value, list) and value else value
        yield from _others(below, whole, values, depth - 1)


def _other_values(value: Any) -> Collection[Any]:
    """None, a flag that is the other way round, a revision that is not there, something else."""
    if isinstance(value, bool):
        return (None, not value)
    return (None, True, "0" * 40, "something else") if isinstance(value, str) else (None,)
