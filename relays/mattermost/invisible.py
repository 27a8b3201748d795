"""Which texts show nothing although they are not empty: a title of such characters reads as if there were none."""

import re

# Unicode's default-ignorable code points, as of 16.0; from there on, only unassigned ones are left to come.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Controls, marks of annotations and of the layout of hieroglyphs; noncharacters.
_WITHOUT_A_SHAPE = "\x00-\x1f\x7f-\x9f\ufff9-\ufffb\U00013430-\U0001343f\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
# Characters like any other whose shape is empty: Braille without a dot, fillers, a note without a head.
_BLANK = "\u2800\U00013441\U00013442\U00016fe4\U0001d159"

_NOTHING = rf"\s{_IGNORABLE}{_WITHOUT_A_SHAPE}{_BLANK}"
_SOMETHING = re.compile(f"[^{_NOTHING}]")
_RUN = re.compile(f"[{_NOTHING}]+")


def shows(text: str) -> bool:
    """Whether a reader sees anything of a text."""
    return _SOMETHING.search(text) is not None


def shown(text: str) -> str:
    """What a reader sees of a text, without all that shows nothing; a space where there was any between."""
    return _RUN.sub(" ", text).strip()
