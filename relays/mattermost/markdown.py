"""GitLab's Markdown as Mattermost's markup: what people wrote keeps its shape, and stays text all the same.

The text is parsed as CommonMark, and what is found is written anew: lines, quotes, lists, code, emphasis and links, all
of parts that are inert (mattermost.markup, mattermost.parts). So nothing comes through that is not written here. Of
HTML only the text is kept, of its comments nothing. A picture is a word that leads to it: one that is shown would be
fetched by the server before it stores the post (measured on Mattermost 5.37: five seconds).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from relays.mattermost import html_text, invisible, markup, parts
from relays.mattermost.markup import Markup
from relays.mattermost.parts import LinkBase
from relays.mattermost.text_budget import TextBudget
from relays.wording import Wording

# What is far beyond what is shown is not even looked at: a comment may hold a megabyte.
_NEAR = 6_000
# How deep quotes and lists may be in each other; what is deeper is left out.
_DEEPEST = 12
_PARSER = MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable("table")

_NOTHING = Markup("")
_SUGGESTION = re.compile(r"suggestion(?:[:\s]|$)")
_TASK = re.compile(r"\\\[([ xX])\\\] ")
# How GitLab notes the size of a picture behind it.
_SIZE = re.compile(r"\{[^{}\n]{0,100}\}")
_ADDRESS = re.compile(r"https?://[^\s<>\"`|\\^{}\[\]]+", re.IGNORECASE)
# A user of GitLab, by a name that neither begins nor ends with a mark.
_MENTION = re.compile(
    r"(?<![\w@./`-])@([A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?)(?![\w@/-])", re.ASCII
)
_BEHIND_ADDRESS = ".,:;!?)*_~'"


def render(
    text: str,
    base: LinkBase,
    wording: Wording,
    most: int,
    *,
    boxed: bool = False,
    people: Mapping[str, str] | None = None,
) -> Markup | None:
    """The text as markup, cut where it costs (mattermost.parts) more than about `most`; None if it shows nothing.

    `boxed`: it is put into a box, of whose code less has to be broken. `people` says who in Mattermost is mentioned by
    which user name in the text, in lower case; nobody else is.
    """
    writer = _Writer(base, wording, TextBudget(most), boxed=boxed, people=people or {})
    near = text[:_NEAR].replace("\0", "")
    lines = writer.blocks(SyntaxTreeNode(_PARSER.parse(near)).children)
    if (writer.room.is_full or len(text) > _NEAR) and not writer.room.shows_more:
        lines += [_NOTHING, writer.room.more()] if lines else [writer.room.more()]
    return Markup("\n".join(lines)) if lines else None


def mentioned(text: str) -> list[str]:
    """The user names that the text of a comment mentions outside of code and links, in lower case, each once."""
    found: dict[str, None] = {}
    for node in SyntaxTreeNode(_PARSER.parse(text[:_NEAR].replace("\0", ""))).walk():
        if node.type == "text" and (node.parent is None or node.parent.type != "link"):
            found.update(dict.fromkeys(name.lower() for name in _MENTION.findall(node.content)))
    return list(found)


class _Writer:
    """Writes until there is no room left, and closes what is open then."""

    def __init__(
        self, base: LinkBase, wording: Wording, room: TextBudget, *, boxed: bool, people: Mapping[str, str]
    ) -> None:
        self.room = room
        self._people = people
        self._base = base
        self._wording = wording
        self._boxed = boxed
        self._in_link = False
        self._in_emphasis = False

    def blocks(self, nodes: Sequence[SyntaxTreeNode]) -> list[Markup]:
        """The lines of blocks that follow each other."""
        lines: list[Markup] = []
        for node in nodes:
            if not self.room.begins_line():
                break
            block = self._block(node)
            is_close = node.type == "paragraph" and node.hidden
            is_close |= bool(self.room.margin) and node.type in ("bullet_list", "ordered_list")
            if lines and block and not is_close:
                lines.append(_NOTHING)
            lines += block
        return lines

    def _block(self, node: SyntaxTreeNode) -> list[Markup]:
        match node.type:
            case "paragraph":
                return _lines(self._inline(node.children[0]))
            case "heading":
                return _lines(self._emphasis("**", node.children[0]))
            case "blockquote":
                return [Markup(f"> {line}".rstrip()) for line in self._within("> ", node)]
            case "bullet_list" | "ordered_list":
                return [line for item in node.children for line in self._item(item)]
            case "fence" | "code_block":
                return list(self._code(node.content, node.info))
            case "html_block":
                return _lines(self._html(node.content))
            case "table":
                return list(self._code("\n".join(_rows(node)), ""))
            case _:  # a rule
                return []

    def _within(self, margin: str, node: SyntaxTreeNode) -> list[Markup]:
        before = self.room.margin
        self.room.margin += margin
        lines = self.blocks(node.children)
        self.room.margin = before
        return lines

    def _item(self, item: SyntaxTreeNode) -> list[Markup]:
        mark = f"{item.info}. " if item.info else "- "
        lines = self._within(" " * len(mark), item)
        if not lines:
            return []
        if box := _TASK.match(lines[0]):
            lines[0] = Markup(f"{'☐' if box[1] == ' ' else '☑'} {lines[0][box.end() :]}")
        margins = [mark, *(" " * len(mark) for _ in lines[1:])]
        return [Markup(f"{margin}{line}".rstrip()) for margin, line in zip(margins, lines, strict=True)]

    def _code(self, text: str, info: str) -> Iterator[Markup]:
        is_suggestion = _SUGGESTION.match(info)
        kept: list[Markup] = []
        for line in text.rstrip("\n").split("\n"):
            shown = parts.code_line(line, boxed=self._boxed)
            if not self.room.begins_line() or not self.room.takes(shown):
                kept.append(self.room.more())
                break
            kept.append(shown)
        if is_suggestion:
            yield Markup(self._wording["suggestion" if any(kept) else "suggestion.empty"])
        if any(kept):
            yield from parts.code_block(kept, "" if is_suggestion else info)

    def _inline(self, node: SyntaxTreeNode) -> Markup:
        written = _NOTHING
        behind_image = False
        for child in node.children:
            if self.room.is_full:
                break
            has_size = behind_image and child.type == "text"
            text = child.content[_end_of_size(child.content) :] if has_size else child.content
            written = parts.apart(written, self._part(child, text))
            behind_image = child.type == "image"
        return written

    def _part(self, node: SyntaxTreeNode, text: str) -> Markup:
        match node.type:
            case "text":
                return self._text(text)
            case "softbreak" | "hardbreak":
                return self._break()
            case "code_inline":
                return self._plain(text) if self._in_link else self.room.whole(parts.code_span(text))
            case "strong":
                return self._emphasis("**", node)
            case "em":
                return self._emphasis("*", node)
            case "link":
                return self._link(node, str(node.attrs["href"]))
            case "image":
                return self._picture("".join(_texts(node)), str(node.attrs["src"]))
            case _:  # HTML
                return self._html(text) or parts.GAP

    def _text(self, text: str) -> Markup:
        """Text, and the addresses in it as links."""
        written, end = _NOTHING, 0
        for found in _ADDRESS.finditer(text):
            bare = found.group().rstrip(_BEHIND_ADDRESS)
            written = parts.apart(written, self._mentioning(text[end : found.start()]))
            written = parts.apart(written, self._linked(self._plain(bare), bare, bare))
            end = found.start() + len(bare)
        return parts.apart(written, self._mentioning(text[end:]))

    def _mentioning(self, text: str) -> Markup:
        """Text, in which the people that are known are mentioned, but for that of a link."""
        written, end = _NOTHING, 0
        for found in _MENTION.finditer(text) if self._people and not self._in_link else ():
            name = self._people.get(found[1].lower())
            if name is not None:
                written = parts.apart(written, self._plain(text[end : found.start()]))
                # What follows must not make another name of it.
                written = Markup(f"{written}{self.room.whole(Markup(f'{markup.mention(name)}{parts.GAP}'))}")
                end = found.end()
        return parts.apart(written, self._plain(text[end:]))

    def _plain(self, text: str) -> Markup:
        """As much of the text as there is room for."""
        if self.room.is_full or not text:
            return _NOTHING
        shown = markup.part(text)
        if self.room.takes(shown):
            return shown
        while text and parts.cost(shown) > self.room.left:
            text = text[: min(len(text) - 1, len(text) * self.room.left // parts.cost(shown))]
            shown = markup.part(text)
        return Markup(f"{shown.rstrip()}{self.room.more()}")

    def _emphasis(self, mark: str, node: SyntaxTreeNode) -> Markup:
        if self._in_emphasis:
            return self._inline(node)
        self._in_emphasis = True
        inner = self._inline(node)
        self._in_emphasis = False
        self.room.left = max(0, self.room.left - 2 * len(mark))
        # Mattermost's web client ends it at the next mark, even inside code.
        is_whole = inner == inner.strip() and "*" not in inner.replace(r"\*", "")
        return Markup(f"{mark}{inner}{mark}") if inner and is_whole else inner

    def _link(self, node: SyntaxTreeNode, address: str) -> Markup:
        before, self._in_link = self._in_link, True
        shown = self._inline(node)
        self._in_link = before
        return self._linked(shown, address, "".join(_texts(node)))

    def _picture(self, alt: str, address: str) -> Markup:
        if self.room.is_full:
            return _NOTHING
        file = "" if address.startswith("data:") else address.rpartition("/")[2]
        said = alt if alt.strip() not in ("", "image") else file or self._wording["picture"]
        return self._linked(Markup(f"🖼️ {self._plain(said)}"), address, said)

    def _linked(self, shown: Markup, address: str, said: str) -> Markup:
        """What is shown as a link, behind it the name of its server if that is another one and not `said`."""
        safe = parts.web_address(self._base.absolute(address))
        if self._in_link or not shown.strip() or not safe:
            return shown
        host = urlsplit(safe).netloc
        is_said = re.search(rf"(?<![\w.-]){re.escape(host)}(?![\w.-])", said, re.IGNORECASE)
        where = "" if is_said or not self._base.is_elsewhere(safe) else f" ({markup.part(host)})"
        return Markup(f"{parts.link(shown, safe)}{where}") if self.room.takes(f"[]({safe}){where}") else shown

    def _html(self, source: str) -> Markup:
        written = _NOTHING
        for piece in html_text.pieces(source):
            if isinstance(piece, html_text.Picture):
                shown = self._picture(piece.alt, piece.address)
            else:
                shown = self._break() if piece == "\n" else self._text(piece)
            # What tags stood between must not become one word.
            written = Markup(f"{written}{parts.GAP}{shown}")
        return written

    def _break(self) -> Markup:
        if not self.room.begins_line():
            return _NOTHING
        return Markup(" " if self._in_link else "\n")


def _lines(text: Markup) -> list[Markup]:
    """The lines of a text in which something shows."""
    lines = (line.strip() for line in text.split("\n"))
    return [markup.line_start(Markup(line)) for line in lines if invisible.shows(line)]


def _end_of_size(text: str) -> int:
    size = _SIZE.match(text)
    return size.end() if size else 0


def _rows(table: SyntaxTreeNode) -> Iterator[str]:
    """The rows of a table as they read in code, where their columns may stand below each other."""
    for row in (row for part in table.children for row in part.children):
        yield " | ".join("".join(_texts(cell)) for cell in row.children)


def _texts(node: SyntaxTreeNode) -> Iterator[str]:
    """The texts in something, without what they look like."""
    if node.type in ("text", "code_inline"):
        yield node.content
    elif node.type in ("softbreak", "hardbreak"):
        yield " "
    for child in node.children:
        yield from _texts(child)
