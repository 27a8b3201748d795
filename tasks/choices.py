"""What people have chosen in the chat: named as what it is, for it is no difference that a deploy would mend."""

import tomllib
from collections.abc import Iterator

from pyinfra.api import QuoteString, StringCommand

from tasks.context import DeployContext
from tasks.left_alone import left_alone
from tasks.operations.remote import run_quietly
from tasks.operations.resource import step
from tasks.site import Site


@step("Choices")
def show_choices(site: Site, context: DeployContext) -> None:
    """The choices that the relay keeps; no deploy touches them."""
    if site.mattermost.commands:
        path = QuoteString(f"{context.scripts}/choices.sh")
        # Before the first deploy there is none, and a store that cannot be read is others' to name.
        there, output = run_quietly(StringCommand("test -x", path, "&&", path, "export 2>/dev/null"))
        if there and (lines := list(named(output))):
            left_alone(lines, name="Choices made in the chat")


def named(exported: str) -> Iterator[str]:
    """A line for each choice in what the relay exports; none for what is no such thing."""
    try:
        found = tomllib.loads(exported)
    except tomllib.TOMLDecodeError:
        return
    for each in found.get("subscriptions", []):
        channel = each["channel"] or each["channel_id"]
        said = f" ({each['conditions']})" if each["conditions"] else ""
        yield f"choice in the chat: subscription of {channel} to {each['target']}{said}, of {each['chosen_by']}"
    for each in found.get("silences", []):
        what = each["target"] or "everything"
        until = f"{each['until']:%Y-%m-%d %H:%M} UTC"
        yield f"choice in the chat: silence of {what} in {each['channel']} until {until}, of {each['chosen_by']}"
    for each in found.get("notify", []):
        things = ", ".join(each["things"]) or "nothing" if "things" in each else "as the site says"
        quiet = f", not {each['quiet']} ({each['timezone']})" if "quiet" in each else ""
        weekends = "" if each.get("weekends", True) else ", not on weekends"
        yield f"choice in the chat: in person to {each['person']}: {things}{quiet}{weekends}"
