"""Posting as a bot of Mattermost, changing its posts and finding them again, and what each answer means.

    answer                        meaning                                            what to do
    201 to a post, 200 to an edit posted                                             done; the keys of the answer count
    no answer, 5xx                down, or two of the same at once; perhaps taken    look for it, then retry
    408, 429                      busy                                               retry, as asked by Retry-After
    413, 400 model.post.is_valid  the message is too large                           refused
    400 …root_id…, and 403 to an  the root was deleted, or is of a channel that is   gone: a new root
      edit, if it is not there    not that of this name any more
    400 …time_limit               the time for edits is over (11.6)                  closed: a reply instead
    400 …deleted…                 the channel is archived                            retry slowly, warn the operator
    401                           the token was revoked, or the bot is disabled      retry slowly, warn the operator
    403, 404                      not a member, no such channel                      retry slowly, warn the operator
    404 of a user                 nobody has that name                               refused
    403 …restricted…, 400 (11.6)  bots write to people of their teams alone          refused
    501, 3xx, another 2xx         not a Mattermost at that address                   retry slowly, warn the operator

Measured on Mattermost 5.37: with its database down it answers 400, 401, 403 as if for ever, so it is asked how it is
before any of them counts. A post is sent with a `pending_post_id`: for 30 seconds the server answers a repetition with
the first post, or 500 while it is at it. That does not outlast its restart, so a post whose answer nobody got is looked
for in the channel: by its key, in what is not older than the attempt by the clock of the server.

Nothing keeps a bot's posts from mentioning people (measured): only relays.mattermost.markup does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import quote

import requests

from relays.mattermost import bot_posts
from relays.mattermost.bot_posts import Posted
from relays.mattermost.bot_session import Bot, BotSession, Failed, failure, hopeless
from relays.mattermost.buttons import without_buttons
from relays.mattermost.client import Meaning, PostResult, not_from_mattermost, with_icon

# Pages of 60 are answered from a cache (read in 5.37).
_PER_PAGE = 200
# A direct channel is refused (5.37), or a post in one that is there (read in 11.6).
_RESTRICTED = ("team_restricted_error", "in_restricted_dm.error")
_LARGEST_PAGE = 64 * 1024 * 1024
_BY_ID = "id:"


def by_id(channel_id: str) -> str:
    """What a channel is called that is meant by its number, whatever its name is."""
    return f"{_BY_ID}{channel_id}"


def id_in(channel: str) -> str:
    """The number of a channel that `by_id` names; nothing of one that is meant by its name."""
    return channel.removeprefix(_BY_ID) if channel.startswith(_BY_ID) else ""


class BotChannel:
    """The posts of a bot in one channel, over one connection. Not for several threads at once.

    `channel` is the name of one of the team, what `by_id` calls it, or "@name" for the direct channel with that user.
    Its id is looked up, and again once Mattermost does not take it any more; `resolved` hears each time which one of
    the team it is. No method raises: whatever goes wrong is a result.
    """

    def __init__(
        self,
        bot: Bot,
        channel: str,
        resolved: Callable[[str, str], object] = lambda channel, channel_id: None,
    ) -> None:
        self._bot = bot
        self._name = channel
        self._resolved = resolved
        self._session = BotSession(bot)
        self._user_id = ""
        self._channel_id = ""

    def server_time(self) -> float | None:
        """Seconds since the epoch by the clock of the server, or a little less; None before its first answer."""
        return self._session.server_time()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def look_up(self) -> PostResult:
        """Know the channel, and the time of the server."""

        def work() -> PostResult:
            self._resolve()
            return PostResult(Meaning.POSTED)

        return _result(work)

    def post(
        self,
        message: Mapping[str, object],
        keys: Sequence[str],
        pending: str,
        root_id: str = "",
        *,
        is_digest: bool = False,
    ) -> tuple[PostResult, Posted | None]:
        """Post a message, as a reply if there is a root; `is_digest` as Posted has it.

        A post that Mattermost has of the same `pending` is as good; what it covers, its own keys say.
        """
        made: list[Posted] = []

        def work() -> PostResult:
            channel_id = self._resolve()
            shown = self._shown(message, channel_id, is_root=not root_id)
            body = {
                "channel_id": channel_id,
                "message": bot_posts.text_of(shown),
                "props": bot_posts.properties(shown, keys, is_digest=is_digest),
                # Mattermost knows a repetition by this alone: in another channel it is another post.
                "pending_post_id": f"{self._user_id}:{channel_id}:{pending}",
                "root_id": root_id,
            }
            response, content = self._session.send("POST", "/posts", body)
            if response.status_code != 201:
                return self._explain(response, content, root_id)
            post = bot_posts.posted(bot_posts.parse(content))
            if post is None or post.channel_id != channel_id:
                return PostResult(Meaning.UNAVAILABLE, "HTTP 201 of another post", uncertain=True)
            made.append(post)
            return PostResult(Meaning.POSTED)

        return _result(work), made[0] if made else None

    def patch(self, post_id: str, message: Mapping[str, object], key: str, *, with_text: bool) -> PostResult:
        """Have a post show a message: its box, and its text too if asked for, which has a time limit in 11.6."""

        def work() -> PostResult:
            shown = self._shown(message, self._resolve(), is_root=True)
            body: dict[str, object] = {"props": bot_posts.properties(shown, [key])}
            if with_text:
                body["message"] = bot_posts.text_of(shown)
            response, content = self._session.send("PUT", f"/posts/{post_id}/patch", body)
            if response.status_code == 200 and bot_posts.posted(bot_posts.parse(content)):
                return PostResult(Meaning.POSTED)
            return self._explain(response, content, post_id)

        return _result(work)

    def find(self, is_wanted: Callable[[Posted], bool], since: float) -> tuple[PostResult, list[Posted]]:
        """Those of the bot's own posts that are wanted and not older than `since` (server_time), the newest first."""
        found: list[Posted] = []

        def work() -> PostResult:
            self._resolve()
            found.extend(filter(is_wanted, self._own_posts(since)))
            return PostResult(Meaning.POSTED)

        return _result(work), found

    def _shown(
        self, message: Mapping[str, object], channel_id: str, *, is_root: bool
    ) -> Mapping[str, object]:
        """A message as it is posted: buttons are made anew each time, and only for the root of a conversation."""
        shown, signer = with_icon(message, self._bot.icon), self._bot.signer
        return signer.signed(shown, channel_id) if signer and is_root else without_buttons(shown)

    def _own_posts(self, since: float) -> Iterator[Posted]:
        """Page by page from the newest on: what is posted meanwhile only pushes posts on to a later page."""
        page = 0
        while True:
            path = f"/channels/{self._channel_id}/posts?page={page}&per_page={_PER_PAGE}"
            answer = self._session.get(path, _LARGEST_PAGE)
            posts, order = answer.get("posts"), answer.get("order")
            if not isinstance(posts, dict) or not isinstance(order, list):
                raise Failed(PostResult(Meaning.UNAVAILABLE, "a list of posts that cannot be read"))
            for each in order:
                post = bot_posts.posted(posts.get(each))
                if post is None:
                    continue
                if post.create_at < since * 1000:
                    return
                if posts[each].get("user_id") == self._user_id:
                    yield post
            if len(order) < _PER_PAGE:
                return
            page += 1

    def _resolve(self) -> str:
        """The id of the channel. Failed if there is none."""
        if not self._user_id:
            self._user_id = self._id(self._session.get("/users/me"))
        if not self._channel_id:
            if number := id_in(self._name):
                # There is none to be found by looking: one that is not there any more is refused with each post.
                self._channel_id = number
            elif self._name.startswith("@"):
                self._channel_id = self._direct_channel(self._name.removeprefix("@"))
            else:
                team, name = quote(self._bot.team, safe=""), quote(self._name, safe="")
                self._channel_id = self._id(self._session.get(f"/teams/name/{team}/channels/name/{name}"))
                self._resolved(self._name, self._channel_id)
        return self._channel_id

    def _direct_channel(self, name: str) -> str:
        path = f"/users/username/{quote(name, safe='')}"
        response, content = self._session.send("GET", path, None)
        if response.status_code == 404 and self._session.is_well():
            # One person's news must not be held up for ever by a name; an operator sends them again.
            raise Failed(PostResult(Meaning.REFUSED, f"HTTP 404: Mattermost knows no user {name}"))
        both = [self._user_id, self._id(self._session.body(response, content))]
        response, content = self._session.send("POST", "/channels/direct", both)
        if response.status_code == 403:
            self._refuse_restricted(403, self._session.code_of(response, content))
        return self._id(self._session.body(response, content))

    def _refuse_restricted(self, status: int, code: str) -> None:
        """Failed if Mattermost lets nobody write to people of other teams (TeamSettings.RestrictDirectMessage)."""
        if code.endswith(_RESTRICTED):
            why = f"HTTP {status}: Mattermost lets the bot write to {self._name} only in a team that both are in"
            raise Failed(PostResult(Meaning.REFUSED, why))

    def _id(self, described: Mapping[str, object]) -> str:
        found = described.get("id")
        if not isinstance(found, str):
            raise Failed(not_from_mattermost(200))
        return found

    def _explain(self, response: requests.Response, content: bytes, post_id: str) -> PostResult:
        """What a refusal means; `post_id` is the root, or what was to be changed."""
        status, code = response.status_code, self._session.code_of(response, content)
        if code.startswith("model.post.is_valid."):
            return PostResult(Meaning.REFUSED, f"HTTP {status}: Mattermost refuses the message")
        if "permissions_time_limit" in code:
            return PostResult(Meaning.CLOSED, f"HTTP {status}: the time for edits is over")
        self._refuse_restricted(status, code)
        # From here on the channel is asked for by its name again.
        before, self._channel_id = self._channel_id, ""
        if "_to_deleted" in code or "_in_deleted" in code:
            # Failed while the channel of that name is archived; there may be another one now.
            is_other = self._resolve() != before
            meaning = Meaning.GONE if is_other and post_id else Meaning.UNAVAILABLE
            return PostResult(meaning, f"HTTP {status}: the channel was archived")
        if post_id and status in (400, 403) and self._is_gone(post_id):
            return PostResult(Meaning.GONE, f"HTTP {status}: the root is not there any more")
        if "root_id" in code:  # it is there: the database was away for a moment
            return PostResult(Meaning.UNAVAILABLE, f"HTTP {status}, but the root is there")
        return hopeless(status, "the bot may not post there" if status == 403 else code)

    def _is_gone(self, post_id: str) -> bool:
        """Whether a post was deleted, or is not in the channel of this name."""
        response, content = self._session.send("GET", f"/posts/{post_id}", None)
        if response.status_code == 404:
            return self._session.is_well()
        post = bot_posts.posted(bot_posts.parse(content)) if response.status_code == 200 else None
        return post is not None and post.channel_id != self._resolve()


def _result(work: Callable[[], PostResult]) -> PostResult:
    try:
        return work()
    except Failed as failed:
        return failed.result
    except requests.RequestException as error:
        return failure(error)
