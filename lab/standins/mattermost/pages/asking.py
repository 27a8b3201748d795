"""What people begin on the pages that an integration has to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lab.standins.mattermost.api.endpoint import Question
from lab.standins.mattermost.state import commands
from lab.standins.mattermost.state.errors import ApiError
from lab.standins.mattermost.state.instance import Instance
from lab.standins.mattermost.state.store import Row


async def asked(instance: Instance, begin: Callable[[], Question], user: Row | None, channel_id: str) -> None:
    """Have it done in that channel; why it is refused, the person is shown there."""
    store = instance.store
    try:
        with store.transaction():
            question = begin()
        found = await asyncio.to_thread(question.ask)
        with store.transaction():
            question.then(found)
    except ApiError as error:
        with store.transaction():
            commands.show(store, user["id"] if user else "", channel_id, "Système", error.message, {})
