"""The room that a text may take, in characters and in lines."""

from relays.mattermost import parts
from relays.mattermost.markup import Markup

_MOST_LINES = 30
_MORE = Markup("…")


class TextBudget:
    """What is left of it. Once something did not fit, nothing does any more: what follows would follow a gap."""

    def __init__(self, most: int) -> None:
        self.is_full = False
        self.left = most
        # What stands before each line, for the quotes and lists that it is in.
        self.margin = ""
        # Whether the text itself shows that it goes on.
        self.shows_more = False
        self._lines_left = _MOST_LINES

    def takes(self, shown: str) -> bool:
        """Whether there is room for this, which it then takes."""
        self.is_full |= parts.cost(shown) > self.left
        if not self.is_full:
            self.left -= parts.cost(shown)
        return not self.is_full

    def begins_line(self) -> bool:
        """Whether there is room for another line."""
        self._lines_left -= 1
        self.is_full |= self._lines_left < 0
        return self.takes(f"\n{self.margin}")

    def whole(self, shown: Markup) -> Markup:
        """What cannot be cut, if there is room for it."""
        return shown if self.takes(shown) else self.more()

    def more(self) -> Markup:
        """Where the text is cut."""
        self.shows_more = True
        return _MORE
