"""Posting as a bot: each conversation a thread, its root edited in place, and each post made once.

What is claimed is of one conversation. Its root is posted first if there is none yet (relays.delivery.roots), then what
is said, as a reply: a message, or a digest of those that have gathered in a channel that is behind. What only changes
the root is delivered with the root that it changes; edits are made when the line has nothing to say.

Where a lease is of many conversations, they go into one digest in the channel. The roots that are there are edited as
ever, and no new one is posted: a conversation gets its root with what it has to say next.

Before a post, an attempt is noted in the store. Where an earlier one is, and nobody knows how it ended, the channel is
looked through first. So nothing is posted twice, unless a Mattermost that has hung for longer than half a minute
finishes a request after the channel was looked through.

    what fails                        what is done instead
    the root was deleted              a new one is posted, with what is wanted now, and the conversation goes on there
    the root is too long, refused     it shows its one line
    edits are not allowed any more    the state is said in a reply: of the text, or of all of it
    the message is too long, refused  dead letter
    anything else                     retry, nothing is lost
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from relays.delivery.conversation import Conversation
from relays.delivery.digest import DigestEntry
from relays.delivery.lease import Lease
from relays.delivery.outbox import Outbox
from relays.delivery.roots import Edit, Roots
from relays.delivery.transport import Attempt, message_of
from relays.mattermost import bot_posts
from relays.mattermost.bot import BotChannel
from relays.mattermost.bot_posts import Posted
from relays.mattermost.client import Meaning, PostResult
from relays.wording import Wording

log = logging.getLogger(__name__)

# People may delete a root again while the next one is being posted; not for ever.
_ROOTS = 3
# By how much the clocks of the store and of Mattermost may differ where a state is said in a reply.
_CLOCKS_APART = 3600.0

_DONE = PostResult(Meaning.POSTED)


class BotConnection:
    """One connection of a bot into one channel, for one thread at a time; digests speak in `wording`."""

    def __init__(
        self, channel: BotChannel, name: str, outbox: Outbox, roots: Roots, wording: Wording
    ) -> None:
        self._channel = channel
        self._name = name
        self._outbox = outbox
        self._roots = roots
        self._wording = wording

    def server_time(self) -> float | None:
        """The time by the clock of Mattermost, None before its first answer."""
        return self._channel.server_time()

    def close(self) -> None:
        """Close it."""
        self._channel.close()

    def deliver(self, delivery: Lease) -> Attempt:
        """Post the root if there is none, then what is said. StorageError only before that is posted."""
        if delivery.noted_at is None:
            known = self._channel.look_up()
            at = self._channel.server_time()
            if known.meaning is not Meaning.POSTED or at is None:
                return Attempt(known)
            self._outbox.note(delivery, at).result()
        for thread in (delivery.threads or {}).values():
            if thread.pending_key is not None:  # nobody knows whether its root is there, and shows what
                answer, _ = self._post_root(thread)
                if answer.meaning is not Meaning.POSTED:
                    return _not_said(delivery, answer)
        conversation = delivery.conversation
        for _ in range(_ROOTS):
            if conversation and not conversation.post_id:
                answer, conversation = self._post_root(conversation)
                if answer.meaning is not Meaning.POSTED:
                    return _not_said(delivery, answer)
            attempt = self._say(delivery, conversation)
            if attempt.answer.meaning is not Meaning.GONE or conversation is None:
                return attempt
            log.warning("root gone channel=%s conversation=%s: a new one", self._name, conversation.name)
            conversation = self._roots.forget_root(conversation)
        return Attempt(replace(attempt.answer, meaning=Meaning.UNAVAILABLE))

    def _say(self, delivery: Lease, conversation: Conversation | None) -> Attempt:
        threads, spoken = delivery.threads, delivery.said
        if not spoken:
            return Attempt(_DONE)
        silent = {entry.id for entry in delivery.entries} - {entry.id for entry in spoken}
        root_id = (conversation.post_id if conversation else None) or ""
        keys = [entry.key for entry in spoken]
        there: frozenset[str] = frozenset()
        answer = _DONE
        if tried := [entry.attempt_at for entry in spoken if entry.attempt_at is not None]:
            answer, found = self._channel.find(partial(_says, spoken), min(tried))
            if answer.meaning is not Meaning.POSTED:
                return Attempt(replace(answer, uncertain=True))
            there = frozenset(key for post in found for key in post.keys)
        if not there:
            message = message_of(spoken, self._wording, threads)
            answer, post = self._channel.post(message, keys, keys[0], root_id, is_digest=threads is not None)
            if post is None:
                return Attempt(answer)
            there = post.keys
        covered = [entry.id for entry in spoken if entry.key in there]
        if not covered:
            return Attempt(PostResult(Meaning.UNAVAILABLE, "an earlier post came instead", uncertain=True))
        return Attempt(answer, [*silent, *covered])

    def _post_root(self, conversation: Conversation) -> tuple[PostResult, Conversation | None]:
        """Post the root, unless it is there; the conversation as it is then."""
        if (at := self._channel.server_time()) is None:
            known = self._channel.look_up()
            if (at := self._channel.server_time()) is None:
                return known, conversation
        noted = self._roots.note(conversation, at)
        if noted is None or noted.post_id or noted.pending_key is None or noted.pending_at is None:
            return _DONE, noted  # another relay was quicker
        key = noted.pending_key
        is_first = conversation.pending_key is None and noted.pending_at == at
        if not is_first:
            answer, found = self._channel.find(partial(_is_root, key), noted.pending_at)
            if answer.meaning is not Meaning.POSTED:
                return answer, noted
            if found:
                return _DONE, self._roots.posted(noted, found[-1].id, "")
        answer, post = self._channel.post(noted.message, [key], f"{key}:root")
        if answer.meaning is Meaning.REFUSED:
            log.warning("root refused channel=%s conversation=%s: it says less", self._name, noted.name)
            answer, post = self._channel.post(noted.short, [key], f"{key}:root")
        if post is None:
            return answer, noted
        # What an earlier attempt has brought may be an older state.
        return _DONE, self._roots.posted(noted, post.id, noted.wanted if is_first else "")

    def edit(self, edit: Edit) -> PostResult:
        """Have the root show what is wanted."""
        conversation: Conversation | None = edit.conversation
        if conversation and conversation.post_id:
            answer = self._patch(conversation, conversation.post_id)
            if answer.meaning is Meaning.REFUSED:
                answer = self._leave(conversation)
            if answer.meaning is Meaning.POSTED:
                self._roots.edited(edit)
            if answer.meaning is not Meaning.GONE:
                return answer
            log.warning("root gone channel=%s conversation=%s: a new one", self._name, conversation.name)
            conversation = self._roots.forget_root(conversation)
        if conversation and not conversation.post_id:
            answer, _ = self._post_root(conversation)
            if answer.meaning is Meaning.REFUSED:
                self._roots.edited(edit)
                return self._leave(conversation)
            if answer.meaning is not Meaning.POSTED:
                return answer
        self._roots.free(edit)
        return _DONE

    def _leave(self, conversation: Conversation) -> PostResult:
        """Give up a state of the root's that Mattermost takes in no form; the next one is tried again."""
        log.error("root refused channel=%s conversation=%s: it stays", self._name, conversation.name)
        return _DONE

    def _patch(self, conversation: Conversation, post_id: str) -> PostResult:
        message, key = conversation.message, conversation.root_key or conversation.wanted_key
        with_text = conversation.shown_text != bot_posts.text_of(message)
        answer = self._channel.patch(post_id, message, key, with_text=with_text)
        if answer.meaning is Meaning.REFUSED:
            log.warning(
                "root refused channel=%s conversation=%s: it says less", self._name, conversation.name
            )
            answer = self._channel.patch(post_id, conversation.short, key, with_text=True)
        if answer.meaning is Meaning.CLOSED:
            answer = self._channel.patch(post_id, message, key, with_text=False)
            if answer.meaning in (Meaning.POSTED, Meaning.CLOSED):
                return self._say_state(conversation, post_id)
        return answer

    def _say_state(self, conversation: Conversation, post_id: str) -> PostResult:
        """Say in a reply what the root cannot show any more, unless that has been said."""
        key = f"{conversation.wanted_key}:state"
        since = conversation.touched_at - _CLOCKS_APART
        answer, found = self._channel.find(lambda post: key in post.keys, since)
        if answer.meaning is not Meaning.POSTED or found:
            return answer
        answer, _ = self._channel.post(conversation.message, [key], key, post_id)
        if answer.meaning is Meaning.REFUSED:
            answer, _ = self._channel.post(conversation.short, [key], key, post_id)
        if answer.meaning is Meaning.REFUSED:
            log.error("state refused channel=%s conversation=%s: not said", self._name, conversation.name)
            return _DONE
        return answer


def _not_said(delivery: Lease, answer: PostResult) -> Attempt:
    """An attempt that said nothing, where an earlier one may have."""
    return Attempt(replace(answer, uncertain=answer.uncertain or delivery.was_tried))


def _says(entries: Sequence[DigestEntry], post: Posted) -> bool:
    """Whether a post says any of the entries. A root does not, though it has the key of an event of its thread."""
    may_be_root = not (post.root_id or post.is_digest)
    return any(entry.key in post.keys for entry in entries if not (may_be_root and entry.conversation))


def _is_root(key: str, post: Posted) -> bool:
    """Whether a post is the root that was noted with this key."""
    return key in post.keys and not post.root_id and not post.is_digest
