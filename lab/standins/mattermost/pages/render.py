"""Markdown to HTML for the pages: the subset that chat messages use. Everything else is escaped text."""

from __future__ import annotations

import html
import re

from markupsafe import Markup

from lab.standins.mattermost.state import text_nodes
from lab.standins.mattermost.state.emoji import EMOJI

_INLINE = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?P<ticks>`+)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
    r"|!?\[(?P<label>[^\]\n]+)\]\((?P<target>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)"
    r"|<(?P<angle>https?://[^\s<>]+)>"
    r"|(?P<url>https?://[^\s<>]*[^\s<>?!.,:;*_~'\")])"
    r"|\*\*(?P<strong>.+?)\*\*"
    r"|~~(?P<struck>.+?)~~"
    r"|(?<![\w*])\*(?P<em>[^*\n]+)\*"
    r"|(?<!\w)_(?P<em_>[^_\n]+)_(?!\w)"
    r"|:(?P<emoji>[a-z0-9_+-]+):"
    r"|&(?P<entity>#\d{1,8}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z]\w*);"
    r"|(?<!\w)@(?P<mention>[a-z0-9][a-z0-9._-]*)"
    r"|(?<!\w)#(?P<hashtag>[A-Za-zÀ-ÿ][\w-]{2,})",
    re.DOTALL,
)
_HEADING = re.compile(r"(#{1,6}) +(.*)")
_PARAGRAPH = re.compile(r"<p>((?:(?!</p>).)*)</p>", re.DOTALL)
_SAFE_TARGET = re.compile(r"(?:https?://|mailto:|/)", re.IGNORECASE)


def block(markdown: str) -> Markup:
    """A whole message."""
    return Markup(_blocks(markdown.splitlines()))  # noqa: S704 - every part is escaped


def inline(text: str) -> Markup:
    """A run of text without blocks."""
    return Markup(_inline(text))  # noqa: S704 - every part is escaped


def _blocks(lines: list[str]) -> str:
    out: list[str] = []
    paragraph: list[str] = []

    def flush() -> None:
        if paragraph:
            out.append(f"<p>{_inline(chr(10).join(paragraph)).replace(chr(10), '<br>')}</p>")
            paragraph.clear()

    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        heading = _HEADING.match(line.strip())
        start = text_nodes.QUOTE.match(line) or text_nodes.LIST_ITEM.match(line)
        if not line.strip():
            flush()
        elif fence := text_nodes.FENCE.match(line):
            flush()
            code, at = text_nodes.fenced(lines, at, fence[1])
            out.append(f"<pre>{''.join(f'{html.escape(each)}{chr(10)}' for each in code)}</pre>")
        elif heading:
            flush()
            out.append(f'<p class="heading">{_inline(heading[2])}</p>')
        elif start:
            flush()
            inner, at = text_nodes.container(lines, at, start)
            out.append(_contained(_blocks(inner), is_quote=">" in start[0]))
        else:
            paragraph.append(line)
    flush()
    return "".join(out)


def _contained(inner: str, *, is_quote: bool) -> str:
    """A quote or the item of a list; one that is a paragraph needs none of its own."""
    alone = _PARAGRAPH.fullmatch(inner)
    content = alone[1] if alone else inner
    if is_quote:
        return f"<blockquote>{content}</blockquote>"
    return f'<p class="item">{content}</p>' if alone else f'<div class="item">{content}</div>'


def _inline(text: str) -> str:
    parts: list[str] = []
    end = 0
    for match in _INLINE.finditer(text):
        parts += [html.escape(text[end : match.start()]), _element(match)]
        end = match.end()
    return "".join([*parts, html.escape(text[end:])])


def _element(match: re.Match[str]) -> str:
    kind = match.lastgroup
    found = {name: value for name, value in match.groupdict().items() if value is not None}
    if "code" in found:
        return f"<code>{html.escape(found['code'].strip())}</code>"
    if "label" in found:
        return _link(found["target"], _inline(found["label"]), is_image=match[0].startswith("!"))
    if kind in {"angle", "url"}:
        return _link(found[kind], html.escape(found[kind]))
    if kind == "escaped":
        return html.escape(found[kind])
    if kind == "emoji":
        return EMOJI.get(found[kind]) or html.escape(match[0])
    if kind == "entity":
        return html.escape(html.unescape(match[0]))
    if kind in {"mention", "hashtag"}:
        return f'<span class="{kind}">{html.escape(match[0])}</span>'
    tag = {"strong": "strong", "struck": "del", "em": "em", "em_": "em"}[kind or ""]
    return f"<{tag}>{_inline(found[kind or ''])}</{tag}>"


def _link(target: str, label: str, *, is_image: bool = False) -> str:
    """A link, unless its target could run something. An image is one as well, for the pages load nothing."""
    if not _SAFE_TARGET.match(target):
        return label
    kind = ' class="image"' if is_image else ""
    return f'<a href="{html.escape(target)}" rel="noreferrer"{kind}>{label}</a>'
