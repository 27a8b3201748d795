"""What a text of several lines is written of: parts of inert markup that stay apart, lines of code, links.

As with relays.mattermost.markup, of which it is the other half, whatever is put in stays text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from relays.mattermost.markup import NAMING, Markup, code, given, part, printable

# A zero-width space: stands where two parts must not become one.
GAP = Markup("\u200b")

_WORD_JOINER = "\u2060"

_LONGEST_CODE = 300
_LONGEST_ADDRESS = 500
_LANGUAGE = re.compile(r"[A-Za-z][\w+#.-]{0,19}", re.ASCII)
# What Mattermost draws as formulas.
_FORMULAS = ("latex", "tex", "math")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?", re.IGNORECASE)
# What Slack's mentions begin with.
_MENTIONING = re.compile(r"<(?=[!@])")
_CHANNEL = re.compile(r"(?<![0-9A-Za-z_])~(?=[0-9A-Za-z_-])")


@dataclass(frozen=True)
class LinkBase:
    """Where a text stands: the addresses of its project and of the GitLab, empty if they are not known."""

    project: str
    gitlab: str

    def absolute(self, address: str) -> str:
        """Where an address in the text leads; what cannot be known here stays as it is."""
        if address.startswith(("/-/", "/uploads/-/")):
            return self.gitlab + address
        if address.startswith(("/uploads/", "uploads/")):
            return f"{self.project}/{address.removeprefix('/')}"
        return address

    def is_elsewhere(self, address: str) -> bool:
        """Whether an address is not of this GitLab."""
        return _server(address) != _server(self.gitlab)


def apart(before: Markup, after: Markup) -> Markup:
    """One part behind another, so that they do not become something else together: an image, code, other emphasis."""
    ends, begins = before[-1:], after[:1]
    is_other = (ends == begins and ends in ("`", "*")) or (ends == "!" and begins == "[")
    return Markup(f"{before}{GAP if is_other else ''}{after}")


def code_span(text: str) -> Markup:
    """Code within a line."""
    return given(code, text, _LONGEST_CODE) or part(text)


def code_line(text: str, *, boxed: bool) -> Markup:
    """A line of a block of code, with its indentation.

    `boxed`: it is put into a box, where Mattermost looks for no topics, so that `#include` can be copied.
    """
    shown = _MENTIONING.sub(rf"\g<0>{GAP}", "\t".join(printable(piece) for piece in text.split("\t")))
    return Markup((_CHANNEL if boxed else NAMING).sub(rf"\g<0>{_WORD_JOINER}", shown))


def code_block(lines: Sequence[Markup], language: str) -> list[Markup]:
    """The lines as a block of code; the language is for their colours."""
    runs = (len(run) for line in lines for run in re.findall("`+", line))
    # Longer than any run in it: Mattermost's web client ends a block wherever a line ends with its fence.
    fence = "`" * max(3, 1 + max(runs, default=0))
    known = language if _LANGUAGE.fullmatch(language) and language.lower() not in _FORMULAS else ""
    return [Markup(f"{fence}{known}"), *lines, Markup(fence)]


def web_address(address: str) -> str:
    """The address of a page as it can stand in a link, whatever parses that; empty if it is none."""
    if not address.isprintable():
        return ""
    try:
        scheme, host, path, query, fragment = urlsplit(address)
    except ValueError:
        return ""
    rest = f"{path}{query and f'?{query}'}{fragment and f'#{fragment}'}"
    safe = f"{scheme}://{host}{quote(rest, safe='/:%+?=&,#').replace('~', '%7E')}"
    fits = scheme in ("http", "https") and _HOST.fullmatch(host) and len(safe) <= _LONGEST_ADDRESS
    return safe if fits else ""


def link(shown: Markup, address: str) -> Markup:
    """A link to a `web_address`."""
    # A bracket may end it, even an escaped one.
    safe = shown.replace(r"\[", "(").replace(r"\]", ")")
    return Markup(f"[{safe}]({address})")


def cost(text: str) -> int:
    """The length of a text as Mattermost counts it: in JSON as Go writes it."""
    return len(text) + sum(map(text.count, '\\"\n\t')) + 5 * sum(map(text.count, "<>&"))


def _server(address: str) -> str:
    return address.partition("://")[2].partition("/")[0].lower()
