"""Mattermost's markup, and how text from outside is put into it so that it stays text.

With mattermost.parts, for texts of several lines, the only module that knows the markup. Text from outside becomes
`Markup` (for the places that Mattermost parses) or `Label` (for those that it does not: titles, fallback) here and
nowhere else, so that the type checker sees a place where it was forgotten. Nothing in it can mention a person or a
channel, forge a link or break out of its place. Measured on Mattermost 5.37 and read in 11.6:

- `@all` mentions even when escaped by a backslash or as `&commat;all`; a zero-width space after the `@` is what helps.
- `<!channel>` and `<url|text>` are rewritten before the markup is parsed, inside code as well; the latter whatever
  stands between its three characters, and in attachments over several lines.
- A code span holds whatever has no run of backticks as long as its fence. It does not hide `~channel` and `#topic`:
  the post is linked to that channel and found under that topic.
"""

import re
import unicodedata
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from functools import cache
from string import Formatter
from typing import NewType, TypeVar

from relays.mattermost import invisible

Markup = NewType("Markup", str)
Label = NewType("Label", str)
Shown = TypeVar("Shown", Markup, Label)

# Marks where text from outside begins behind other text, until both are `whole`; no text made here holds it.
BEGIN = "\0"

_ZERO_WIDTH_SPACE = "\u200b"
# Keeps the two sides of it on one line as well, as those of a path have to be.
_WORD_JOINER = "\u2060"
_ALIKE = "\u2223"
_EMPTY = "?"
# How many times as long as what is shown a text may be before cleaning.
_FAR = 20

# Bidirectional overrides and isolates: they make a name read differently from what it is.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TRIGGERS = re.compile(
    r"[@~#<]"  # mentions, channel links, hashtags, Slack's forms
    r"|&(?=[A-Za-z0-9]+;)"  # character references, one of which is an @
    r"|:(?=//)|(?<=[A-Za-z]):(?=\S|\Z)"  # schemes of bare links
    r"|(?<=\])(?=\()"  # markdown links
    r"|(?i:\bwww(?=[0-9]{0,3}\.))"  # bare links without a scheme
)
# An underscore inside a word is one to Mattermost as well.
_SYNTAX = re.compile(r"[\\`*\[\]]|(?<![^\W_])_|_(?![^\W_])")
# What may begin a code span, or an escaped character, which begins none.
_OPENING = re.compile(r"\\.|`+", re.DOTALL)
_EMOJI = re.compile(r"[a-z0-9_+-]+")
# What Slack's mentions begin with.
_MENTIONING = re.compile(r"<(?=[!@])")
# What names a channel or a topic in code; not `HEAD~1`, `~/.ssh`, `C#` and `#12`.
NAMING = re.compile(r"(?<![0-9A-Za-z_])~(?=[0-9A-Za-z_-])|(?<![0-9A-Za-z])#(?=[^\W\d_])")
# What stays an address inside a markdown link, whatever parses it.
_LINKED = re.compile(r"https?://[\w.:/%+-]{1,300}", re.ASCII | re.IGNORECASE)
_BLOCK_START = re.compile(r"[^\w\\]|\d+[.)]")


def plain(text: str, limit: int) -> Markup:
    """Text that reads as it is wherever markup is parsed, also at the start of a block."""
    return from_label(label(text, limit))


def bold(text: str, limit: int) -> Markup:
    """Text in bold."""
    return Markup(f"**{plain(text, limit)}**")


def code(text: str, limit: int) -> Markup:
    """Text as a code span. Only where it would act is there something invisible in it, so that it can be copied."""
    content = _MENTIONING.sub(rf"\g<0>{_ZERO_WIDTH_SPACE}", _clean(text, limit))
    content = NAMING.sub(rf"\g<0>{_WORD_JOINER}", content)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", content)), default=0))
    padding = " " if "`" in (content[0], content[-1]) else ""
    return Markup(f"{fence}{padding}{content}{padding}{fence}")


def emoji(name: str, limit: int) -> Markup:
    """An emoji by its name, which a Mattermost that knows none of it shows between its colons; other text as code."""
    return Markup(f":{name}:") if _EMOJI.fullmatch(name) and len(name) <= limit else code(name, limit)


def label(text: str, limit: int) -> Label:
    """Text for places without markup; links and mentions are broken for clients that parse them all the same."""
    return Label(_broken(_clean(text, limit)))


def given(make: Callable[[str, int], Shown], text: str, limit: int) -> Shown | None:
    """The text as `make`, one of those above, shows it; None if there is nothing to show."""
    return make(text, limit) if _clean(text, limit) != _EMPTY or _EMPTY in text[:limit] else None


def part(text: str) -> Markup:
    """A part of a line, as it reads, with the spaces around it."""
    return Markup(_escaped(_broken(re.sub(r"\s+", " ", printable(text)))))


def from_label(text: Label) -> Markup:
    """A label, for a place where markup is parsed."""
    return line_start(Markup(_escaped(text)))


def line_start(line: Markup) -> Markup:
    """A line that begins no quote, list, heading, table, rule or code."""
    return Markup(_ZERO_WIDTH_SPACE + line if _BLOCK_START.match(line) else line)


def mention(name: str) -> Markup:
    """A mention of the user of that name in Mattermost, who is notified; only for names that a site has given."""
    return Markup(f"@{name}")


def link(shown: Markup, url: str) -> Markup:
    """Inert markup that leads to an address; alone if either could break out of the link."""
    safe = _LINKED.fullmatch(url) and "[" not in shown and "]" not in shown
    return Markup(f"[{shown}]({url})") if safe else shown


def link_target(url: str) -> str:
    """An address for `title_link`: http or https only, of a sensible length, nothing invisible, else nothing."""
    # A NUL above all: PostgreSQL takes none, and Mattermost then says 500, as if it could later (measured on 5.37).
    safe = re.fullmatch(r"https?://[^\s<>\"\\`]{1,500}", url, re.IGNORECASE) and url.isprintable()
    return url if safe else ""


def fill(template: str, **values: Markup | int | None) -> Markup:
    """A wording with markup in its places; a part [in brackets] is left out if one of its values is None."""
    return Markup(_filled(template, values))


def fill_label(template: str, **values: Label | int | None) -> Label:
    """A wording with labels in its places; a part [in brackets] is left out if one of its values is None."""
    return Label(_filled(template, values))


def without_slack_links(text: Markup) -> Markup:
    """The text of a whole place of a message, in which `<a|b>` is no link: its bar becomes one that looks alike."""
    # Between them there is nothing that could be put in: only one of the three characters can be another one.
    begin, end = text.find("<") + 1, text.rfind(">")
    if not 0 < begin < end:
        return text
    return Markup(f"{text[:begin]}{text[begin:end].replace('|', _ALIKE)}{text[end:]}")


def inside_out(text: str) -> str:
    """Markup that stays inert if its code spans turn out to be text, behind a backtick that is not known here."""
    # Where runs of so many backticks are: a span ends at the next one as long as the one that it begins with.
    fences: defaultdict[int, deque[int]] = defaultdict(deque)
    for run in re.finditer("`+", text):
        fences[len(run.group())].append(run.start())
    parts, done, at = list[str](), 0, 0
    while opening := _OPENING.search(text, at):
        at = opening.end()
        ends = fences[len(opening.group())] if opening.group()[0] == "`" else ()
        # Each is looked at once, for later spans begin further on: the whole is linear.
        while ends and ends[0] < at:
            ends.popleft()
        if ends:
            at = ends[0] + len(opening.group())
            parts += [text[done : opening.start()], _broken(text[opening.start() : at])]
            done = at
    return "".join((*parts, text[done:]))


def whole(text: str) -> str:
    """Text in which `BEGIN` stands before what comes from outside, without it, and no mention or address is formed."""
    return re.sub(rf"([@~#<!&]|\]\(){BEGIN}", rf"\1{_ZERO_WIDTH_SPACE}", text).replace(BEGIN, "")


def _filled(template: str, values: Mapping[str, object]) -> str:
    known = {name: value for name, value in values.items() if value is not None}
    return "".join(part.format(**known) for part, needed in _parts(template) if needed <= known.keys())


@cache
def _parts(template: str) -> list[tuple[str, frozenset[str]]]:
    """The parts of a wording, each with the values without which it is left out."""
    parts = re.split(r"\[(.*?)\]", template)
    names = [frozenset(name for _, name, _, _ in Formatter().parse(part) if name) for part in parts]
    return [(part, names[at] if at % 2 else frozenset()) for at, part in enumerate(parts)]


def _broken(text: str) -> str:
    return _TRIGGERS.sub(lambda found: found.group() + _ZERO_WIDTH_SPACE, text)


def _clean(text: str, limit: int) -> str:
    """One line without control characters, cut to `limit` characters, of which something shows."""
    # What is far beyond the limit is not even looked at: a comment may hold a megabyte.
    near = text[: _FAR * limit]
    line = " ".join(printable(near).split())
    if not invisible.shows(line[:limit]):
        line = invisible.shown(line) or _EMPTY
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def printable(text: str) -> str:
    """The text without what is not shown and acts: control characters, direction overrides, halves of pairs."""
    return text if text.isprintable() else "".join(_visible(character) for character in _BIDI.sub("", text))


def _escaped(text: str) -> str:
    return _SYNTAX.sub(r"\\\g<0>", text)


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " " if character.isspace() else ""
    # Half of a pair: what a name that is not UTF-8 decodes to, and what JSON may hold.
    return "\ufffd" if category == "Cs" else character
