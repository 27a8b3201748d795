"""Texts that want to be more than text, and the events of GitLab with such texts in them."""

import json
from collections.abc import Iterator
from typing import Any

from tests.relays.events import PAYLOADS

EVIL = "http://evil.invalid/x"
TEXTS = [
    "@all",
    "@channel @here",
    "(@alice)",
    "**@alice**",
    "x`@all` `` @here ``` @alice",
    "` @all `",
    "<!channel><!here><!all>",
    "<@alice>",
    f"<{EVIL}|@all>",
    f"<{EVIL}|te](http://evil.invalid/y)xt>",
    f"[@all]({EVIL})",
    f"[x]({EVIL} '@all')",
    f"![@alice]({EVIL}.png)",
    f"](http://evil.invalid/y) [{EVIL}",
    f"{EVIL} www.evil.invalid mailto:x@evil.invalid",
    "\u202e@all\u2066@here",
    "a\0@all\0b",
    "@\u200ball \u200b@alice @\u00adhere \uff20all",
    "\\@all &#64;all &commat;all",
    "~dev-notifications ~other #topic",
    "| a | b |\n|---|---|\n| @all | <!here> |",
    "```\n@all\n``` @all\n~~~\n@here\n~~~",
    "# @all\n> @channel\n- @here\n\n    @alice",
    "<b>@all</b><!-- @here --><img src=http://evil.invalid/x>",
    "feature/@alice-`@all`",
    "../@all/rapport <!here>.pdf",
    "{{ user }} {0} %s @all",
    "> ```\n@all\n> @here\n```\n- ~~~\n  @alice\n@all\n~~~~ @here",
    "<!-- @all --> @all\n<!--\n@here\n[@all]: http://evil.invalid/x\n\n[@all] ![@alice][@all]",
    "**a `@all`** b** [a <http://evil.invalid/@all> `@here`](http://evil.invalid/z) !<b>[x](http://evil.invalid/i.png)",
    "<a\n|b> `<`!channel> &<b>commat;all <img src='/uploads/1/x.png' alt='@alice'> ![x](/uploads/1/y.png)",
]
LONG_TEXTS = ["@all " * 4000, "<" * 16_383, "`@all`[" * 6_000]
# What decides whether and as what an event is announced.
KEPT = (
    *("object_kind", "event_name", "event_type", "action", "status", "build_status", "detailed_status"),
    *("awardable_type", "state", "before", "after", "system_action"),
)


def is_address(key: object) -> bool:
    """Whether GitLab puts an address under a key."""
    return isinstance(key, str) and key.endswith("url")


def addresses(value: Any, key: object = "") -> Iterator[str]:
    """The addresses that a payload itself names."""
    if isinstance(value, str) and is_address(key):
        yield value
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, child in children:
        yield from addresses(child, name)


def replaced(value: Any, texts: Iterator[str], key: object = "") -> Any:
    """The payload with the next of these in the place of each text, and behind each address."""
    if isinstance(value, dict):
        return {
            name: child if name in KEPT else replaced(child, texts, name) for name, child in value.items()
        }
    if isinstance(value, list):
        return [replaced(child, texts) for child in value[:2]]
    if isinstance(value, str):
        return value + next(texts)[:100] if is_address(key) else next(texts)
    return value


def samples() -> Iterator[tuple[str, Any]]:
    """The events of GitLab by name."""
    for path in sorted(PAYLOADS.glob("[a-z]*.json")):
        yield path.stem, json.loads(path.read_bytes())


def with_one(payload: Any, text: str, whole: Any = None) -> Iterator[Any]:
    """The payload with one text after the other replaced; the same object each time."""
    whole = payload if whole is None else whole
    places = list(payload.items()) if isinstance(payload, dict) else list(enumerate(payload))[:1]
    for key, value in places:
        if isinstance(value, str):
            payload[key] = text
            yield whole
            payload[key] = value
        elif isinstance(value, dict | list):
            yield from with_one(value, text, whole)
