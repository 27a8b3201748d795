"""Markdown to HTML for the pages: the subset that chat messages use. Everything else is escaped text."""

from __future__ import annotations

import html
import re

from markupsafe import Markup

from lab.standins.mattermost.emoji import EMOJI

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
_FENCED = re.compile(r"^(`{3,}|~{3,})[^\n]*\n(.*?)(?:^\1[^\n]*$\n?|\Z)", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"(#{1,6}) +(.*)")
_ITEM = re.compile(r"(?:[-*+]|\d+[.)]) +(.*)")
_SAFE_TARGET = re.compile(r"(?:https?://|mailto:|/)", re.IGNORECASE)


def block(markdown: str) -> Markup:
    """A whole message."""
    parts: list[str] = []
    end = 0
    for fenced in _FENCED.finditer(markdown):
        parts += [_lines(markdown[end : fenced.start()]), f"<pre>{html.escape(fenced[2])}</pre>"]
        end = fenced.end()
    return Markup("".join([*parts, _lines(markdown[end:])]))  # noqa: S704 - every part is escaped


def inline(text: str) -> Markup:
    """A run of text without blocks."""
    return Markup(_inline(text))  # noqa: S704 - every part is escaped


def _lines(text: str) -> str:
    out: list[str] = []
    paragraph: list[str] = []

    def flush() -> None:
        if paragraph:
            out.append(f"<p>{_inline(chr(10).join(paragraph)).replace(chr(10), '<br>')}</p>")
            paragraph.clear()

    for line in text.strip("\n").split("\n"):
        stripped = line.strip()
        heading, item = _HEADING.match(stripped), _ITEM.match(stripped)
        if not (heading or item or stripped.startswith(">")) and stripped:
            paragraph.append(line)
            continue
        flush()
        if heading:
            out.append(f'<p class="heading">{_inline(heading[2])}</p>')
        elif item:
            out.append(f'<p class="item">{_inline(item[1])}</p>')
        elif stripped:
            out.append(f"<blockquote>{_inline(stripped.lstrip('> '))}</blockquote>")
    flush()
    return "".join(out)


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
        return _link(found["target"], _inline(found["label"]))
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


def _link(target: str, label: str) -> str:
    """A link, unless its target could run something."""
    if not _SAFE_TARGET.match(target):
        return label
    return f'<a href="{html.escape(target)}" rel="noreferrer">{label}</a>'
