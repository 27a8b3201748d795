"""What a button does: the same as a subcommand typed in its thread."""

from collections.abc import Mapping, Sequence

WORDS: Mapping[str, Sequence[str]] = {
    "mute": ("mute", "1h"),
    "review": ("review",),
    "retry": ("retry",),
    "take": ("take",),
}
"""What would be typed, by the actions of the buttons (conversations.actions.ACTIONS, and that of documents)."""
