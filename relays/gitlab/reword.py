"""A site's own words: Jinja2 templates in the place of single sentences.

A template is called by an event and perhaps one of its actions, `push` or `merge_request.open`; the more specific one
is taken. It says the sentence of the message; title, colour, fields and the list of commits stay. It knows

    payload   what GitLab sent, all of it: {{ payload.object_attributes.title }}; what is missing is empty
    user      who did it
    project   where
    said      the sentence that it takes the place of

Whatever it puts out stays text: nothing from outside can mention or format, not even behind an `@` that stands in the
template. The filters `bold`, `code` and `link(address)` format, and what stands in the template itself is
Mattermost's markup.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import ChainableUndefined, Template, TemplateError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from relays import markup
from relays.gitlab.event import ACTIONS, Event
from relays.gitlab.events.common import project_of, user_of
from relays.message import Message, Sentence
from relays.wording import Wording

log = logging.getLogger(__name__)

_LONGEST_VALUE = 400
_LONGEST_TEXT = 4000
_LONGEST_LABEL = 300


class _Ready(str):
    """Markup that a filter has made."""


@dataclass(frozen=True)
class _Form:
    """One of the two forms of a sentence: how values are put into it."""

    value: Callable[[str], str]
    filters: Mapping[str, Callable[..., str]]


_MARKUP = _Form(
    value=lambda text: markup.plain(text, _LONGEST_VALUE),
    filters={
        "bold": lambda value: _Ready(markup.bold(str(value), _LONGEST_VALUE)),
        # A template's own backticks may turn a code span inside out, so its text has to be inert outside one too.
        "code": lambda value: _Ready(
            markup.code(markup.label(str(value), _LONGEST_VALUE), 2 * _LONGEST_VALUE)
        ),
        "link": lambda value, url: _Ready(
            markup.link(
                markup.Markup(
                    value if isinstance(value, _Ready) else markup.plain(str(value), _LONGEST_VALUE)
                ),
                str(url),
            )
        ),
    },
)
_LABEL = _Form(
    value=lambda text: markup.label(text, _LONGEST_VALUE),
    filters={"bold": lambda value: value, "code": lambda value: value, "link": lambda value, url: value},
)


class Rewording:
    """The templates of one language, by name. TemplateError if one is not Jinja2."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._missing: set[str] = set()
        self._templates = {
            name: (self._compile(source, _MARKUP), self._compile(source, _LABEL))
            for name, source in sources.items()
        }

    def apply(self, event: Event, message: Message, wording: Wording) -> Message:
        """The message in the site's words if it has any for the event; in the built-in ones if those fail."""
        name = self._name_for(event)
        if name is None:
            return message
        try:
            return self.render(name, event, message, wording)
        except Exception as error:  # whatever a template can do wrong
            log.warning("template %s fails (%s); the built-in wording is used", name, _first_line(error))
            return message

    def render(self, name: str, event: Event, message: Message, wording: Wording) -> Message:
        """The message in the words of one template, whatever it raises."""
        if message.resay is None or message.said is None:
            return message
        values = {
            "payload": event.payload.mapping(),
            "user": user_of(event.payload, wording),
            "project": project_of(event.payload, wording),
        }
        text, label = (
            # A backtick of the template's own may turn code spans inside out.
            markup.whole(template.render(**values, said=_Ready(markup.inside_out(said))))
            for template, said in zip(
                self._templates[name], (message.said.text, message.said.label), strict=True
            )
        )
        if not text.strip():
            raise ValueError("it says nothing")
        if len(text) > _LONGEST_TEXT:
            raise ValueError(f"it says more than {_LONGEST_TEXT} characters")
        return message.resay(
            Sentence(markup.Markup(text.strip()), markup.Label(" ".join(label.split())[:_LONGEST_LABEL]))
        )

    def take_missing(self) -> set[str]:
        """The names that templates have asked for in vain since this was last called."""
        missing, self._missing = self._missing, set()
        return missing

    def _name_for(self, event: Event) -> str | None:
        if not self._templates:
            return None
        # What an action amounts to comes after it in the table and says more.
        actions = [action for action in reversed(ACTIONS.get(event.name, ())) if action in event.actions]
        names = [*(f"{event.name}.{action}" for action in actions), event.name]
        return next((name for name in names if name in self._templates), None)

    def _compile(self, source: str, form: _Form) -> Template:
        def finalize(value: Any) -> str:
            if isinstance(value, Undefined):
                self._missing.add(str(value._undefined_name))
                return ""
            return value if isinstance(value, _Ready) else markup.BEGIN + form.value(str(value))

        environment = ImmutableSandboxedEnvironment(
            undefined=ChainableUndefined,
            finalize=finalize,
            autoescape=False,
        )
        environment.filters |= form.filters
        return environment.from_string(source)


def faults(
    sources: Mapping[str, str],
    samples: Iterable[Event],
    tell: Callable[[Event], Message | None],
    wording: Wording,
) -> Iterator[tuple[str, str]]:
    """The templates that cannot be used, by name, each with the reason and the remedy.

    Each is tried on the samples of its event and action, as `tell` words them; on all of the event if there is none.
    """
    samples = list(samples)
    for name, source in sources.items():
        reason = _unknown(name) or _fault(name, source, samples, tell, wording)
        if reason:
            yield name, reason


def _unknown(name: str) -> str | None:
    event, _, action = name.partition(".")
    if event not in ACTIONS:
        return f"there is no event {event}; known are {', '.join(ACTIONS)}"
    if action and action not in ACTIONS[event]:
        return f"{event} has no action {action}; it has {', '.join(ACTIONS[event])}"
    return None


def _fault(
    name: str,
    source: str,
    samples: list[Event],
    tell: Callable[[Event], Message | None],
    wording: Wording,
) -> str | None:
    try:
        rewording = Rewording({name: source})
    except TemplateError as error:
        return f"it is not a Jinja2 template: line {getattr(error, 'lineno', 1)}: {error.message}"
    event, _, action = name.partition(".")
    of_event = [sample for sample in samples if sample.name == event]
    missing: list[set[str]] = []
    failure = ""
    for sample in [each for each in of_event if action in each.actions] or of_event:
        message = tell(sample)
        if message is None:
            continue
        try:
            rewording.render(name, sample, message, wording)
        except Exception as error:  # whatever a template can do wrong
            failure = f"it fails on a sample of {name}: {_first_line(error)}"
        missing.append(rewording.take_missing())
    nowhere = sorted(set.intersection(*missing)) if missing else []
    # A name that is wrong may be why it fails.
    return f"no sample of {name} has {', '.join(nowhere)}: correct the name" if nowhere else failure or None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
