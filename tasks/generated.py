"""Parts of the documents that are written from the code, each between two marks; people write what stands around."""

import re
import textwrap
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
_WIDTH = 118
# Within code no line may end. With these none may begin: signs that begin a quotation, a list or a heading, and those
# that French has a space before.
_CODE = re.compile(r"`[^`]*`")
_SIGN = re.compile(r" (?=(?:[>+*#-]|\d+\.) |[:;!?»](?: |$))")


def replaced(text: str, content: str, module: str) -> str:
    """`text` with `content` in the place of what `python -m module` wrote before."""
    first = f"<!-- written by python -m {module} -->"
    last = f"<!-- end of what python -m {module} writes -->"
    before, mark, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not mark or not end:
        raise SystemExit(f"the page has lost a mark of its generated part: put {first} and {last} back")
    return f"{before}{first}\n\n{content}\n\n{last}{after}"


def item(text: str) -> str:
    """An item of a list, in lines that fit."""
    whole = "- " + _SIGN.sub("\0", _CODE.sub(lambda code: code[0].replace(" ", "\0"), text))
    lines = textwrap.wrap(
        whole, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines).replace("\0", " ")
