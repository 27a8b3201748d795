"""What people have chosen in the chat: named as what it is, for it is no difference that a deploy would mend."""

import tomllib
from collections.abc import Iterator

from pyinfra.api import QuoteString, StringCommand

from tasks.context import DeployContext
from tasks.operations.remote import run_quietly
from tasks.operations.resource import Commands, note, resource, step
from tasks.site import Site


@step("Choices")
def show_choices(site: Site, context: DeployContext) -> None:
    """The choices that the relay keeps; no deploy touches them."""
    if site.mattermost.commands:
        _choices(f"{context.scripts}/choices.sh", name="Choices made in the chat")


@resource
def _choices(command: str) -> Commands:
    path = QuoteString(command)
    # Before the first deploy there is none, and a store that cannot be read is others' to name.
    there, output = run_quietly(StringCommand("test -x", path, "&&", path, "export 2>/dev/null"))
    note(list(named(output)) if there else [])
    yield from ()


def named(exported: str) -> Iterator[str]:
    """A line for each choice in what the relay exports; none for what is no such thing."""
    try:
        found = tomllib.loads(exported).get("silences", [])
    except tomllib.TOMLDecodeError:
        return
    for each in found:
        what = each["target"] or "everything"
        until = f"{each['until']:%Y-%m-%d %H:%M} UTC"
        yield f"choice in the chat: silence of {what} in {each['channel']} until {until}, of {each['chosen_by']}"
