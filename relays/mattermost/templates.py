"""A site's own words: Jinja2 templates in the place of single sentences, whatever they are about.

A template is rendered twice, for the two forms of a sentence. Whatever it is filled with stays text: nothing from
outside can mention or format, not even behind an `@` that stands in the template. The filters `bold`, `code` and
`link(address)` format, and what stands in the template itself is Mattermost's markup. `said` is the sentence that it
takes the place of.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import ChainableUndefined, Template, TemplateError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from relays.mattermost import invisible, markup, parts
from relays.mattermost.message import Sentence

log = logging.getLogger(__name__)

_LONGEST_VALUE = 400
# As Mattermost counts: with the rest of a box it has to keep within what a post may have.
_LONGEST_TEXT = 4000
_LONGEST_LABEL = 300

Values = Mapping[str, object]


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


class Templates:
    """Templates by name. TemplateError if one is not Jinja2."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._missing: set[str] = set()
        self._templates = {
            name: (self._compile(source, _MARKUP), self._compile(source, _LABEL))
            for name, source in sources.items()
        }

    def __contains__(self, name: str) -> bool:
        """Whether there is one of that name."""
        return name in self._templates

    def __len__(self) -> int:
        return len(self._templates)

    def say(self, name: str, values: Values, said: Sentence) -> Sentence:
        """The sentence in the words of one template; as it was `said` if there is none or it fails."""
        if name not in self._templates:
            return said
        try:
            return self.render(name, values, said)
        except Exception as error:  # whatever a template can do wrong
            log.warning("template %s fails (%s); the built-in wording is used", name, first_line(error))
            return said

    def render(self, name: str, values: Values, said: Sentence) -> Sentence:
        """The sentence in the words of one template, whatever it raises."""
        text, label = (
            # A backtick of the template's own may turn code spans inside out.
            markup.whole(template.render(**values, said=_Ready(markup.inside_out(form))))
            for template, form in zip(self._templates[name], (said.text, said.label), strict=True)
        )
        if not invisible.shows(text):
            raise ValueError("it says nothing")
        if parts.cost(text) > _LONGEST_TEXT:
            raise ValueError(f"it says more than {_LONGEST_TEXT} characters as Mattermost counts them")
        return Sentence(markup.Markup(text.strip()), markup.Label(" ".join(label.split())[:_LONGEST_LABEL]))

    def take_missing(self) -> set[str]:
        """The names that templates have asked for in vain since this was last called."""
        missing, self._missing = self._missing, set()
        return missing

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


def fault(name: str, source: str, samples: Iterable[tuple[Values, Sentence]]) -> str | None:
    """Why a template cannot be used, with the remedy; None if it can. It is tried on all of the samples."""
    try:
        templates = Templates({name: source})
    except TemplateError as error:
        return f"it is not a Jinja2 template: line {getattr(error, 'lineno', 1)}: {error.message}"
    missing: list[set[str]] = []
    failure = ""
    for values, said in samples:
        try:
            templates.render(name, values, said)
        except Exception as error:  # whatever a template can do wrong
            failure = f"it fails on a sample of {name}: {first_line(error)}"
        missing.append(templates.take_missing())
    nowhere = sorted(set.intersection(*missing)) if missing else []
    # A name that is wrong may be why it fails.
    return f"no sample of {name} has {', '.join(nowhere)}: correct the name" if nowhere else failure or None


def first_line(error: Exception) -> str:
    """What went wrong, in a line."""
    return (str(error).splitlines() or [type(error).__name__])[0]
