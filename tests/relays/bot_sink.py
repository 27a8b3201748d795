"""A Mattermost with the API of a bot that does as it is told: posts, threads, edits, and what goes wrong with them.

What it answers is what a real 5.37 was recorded to answer (tests/fixtures/mattermost-recordings).
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit
from weakref import WeakSet

from tests.relays.loopback import Handler, Loopback
from tests.relays.sink import HOOK_ID, OK, Reply, keys_of

BOT_TOKEN = "bot5token8secret3of9the4sink"
BOT_ID, BOT_NAME = "botuser", "passerelle"
TEAM = "taaf"
FORBIDDEN = (403, {"id": "api.context.permissions.app_error"})
GONE = (404, {"id": "app.post.get.app_error"})
_PENDING_SECONDS = 30.0
_Answer = tuple[int, Any]


def number_of(channel: str) -> str:
    """What Mattermost knows a channel of this name by, if it was never called otherwise."""
    return f"{channel:0<25}1"


@dataclass
class Written:
    """A post as people see it, with all that its root has shown so far."""

    id: str
    channel: str
    root_id: str
    message: str
    props: dict[str, Any]
    create_at: int
    user_id: str = BOT_ID
    deleted: bool = False
    shown_before: list[str] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        """The delivery keys that it covers."""
        return keys_of({"props": self.props})

    @property
    def is_digest(self) -> bool:
        """Whether it is a digest."""
        return "passerelle_keys" in self.props

    @property
    def shown(self) -> str:
        """All that people see of it, on one line."""
        boxes = self.props.get("attachments") or []
        texts = [
            self.message,
            *(box.get("title", "") for box in boxes),
            *(box.get("text", "") for box in boxes),
        ]
        return " | ".join(text for text in texts if text)


@dataclass(frozen=True)
class Call:
    """A request that writes: "post" or "patch", with its body; `root_id` is the post that is patched, or the root."""

    kind: str
    root_id: str
    body: dict[str, Any]

    @property
    def keys(self) -> list[str]:
        """The delivery keys in it."""
        return keys_of({"props": self.body["props"]})


_SINKS: "WeakSet[BotSink]" = WeakSet()


def later_answer(response: str) -> str | None:
    """What was sent to this address for later answers, of whichever server; None if nothing was yet."""
    answers = [body for sink in list(_SINKS) for where, body in list(sink.later) if where == response]
    return str(answers[0]["text"]) if answers else None


class BotSink:
    """A server on a loopback port that stays the same over `stop` and `start`.

    `behave` says how writing requests are answered: what is not OK is not done, unless it says `post`.
    """

    def __init__(self, *channels: str) -> None:
        self.behave: Callable[[Call], Reply] = lambda call: OK
        self.healthy = True
        self.seconds = 0.0
        """How long it takes for a request that writes."""
        self.token = BOT_TOKEN
        self.ids = {name: number_of(name) for name in channels}
        self.archived: set[str] = set()
        self.forbidden: set[str] = set()
        self.kinds: dict[str, str] = {}
        """What channels are as Mattermost says it, "O" unless it is said here: "O", "P", "D" or "G"."""
        self.present: dict[str, set[str]] = {}
        """Who is in a channel beside the bot, by their numbers."""
        self.outside: set[str] = set()
        """Numbers of people who are in no channel."""
        self.people = {"alice": "id-of-alice"}
        self.persons: dict[str, dict[str, Any]] = {}
        """Users by their numbers, as they are described."""
        self.managers: set[tuple[str, str]] = set()
        """Numbers of channels, each with that of a person who administers it."""
        self.asking_seconds = 0.0
        """How long it takes to say who somebody is."""
        self.asked: list[str] = []
        """The people that somebody has asked for."""
        self.later: list[tuple[str, dict[str, Any]]] = []
        """Answers to slash commands that came later: where to, and what they say."""
        self.restricted: dict[str, str] = {}
        """People whom the bot may not write to, by their names with an @: "channel" (5.37), or "post" (11.6)."""
        self.editable = True
        self.posts: dict[str, Written] = {}
        self.calls: list[Call] = []
        self.at_once: list[list[Call]] = []
        """Of each request that writes, those that were under way when it came, and itself."""
        self.searches = 0
        _SINKS.add(self)
        self._pending: dict[str, tuple[str, float]] = {}
        self._under_way: list[Call] = []
        self._guard = threading.RLock()
        self._now = 0
        sink = self

        class Answers(Handler):
            def _handle(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                allowed = self.headers.get("Authorization") == f"Bearer {sink.token}"
                reply, answer = sink.answer(self.command, self.path, body, allowed)
                if reply.drop:
                    self.close_connection = True
                    return
                status, content = (reply.status, reply.body) if reply is not OK else (answer[0], answer[1])
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response_only(status)
                self.send_header("Date", formatdate(time.time(), usegmt=True))
                self.send_header("Content-Length", str(len(data)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = _handle

        self._server = Loopback(Answers)

    @property
    def url(self) -> str:
        """Its address."""
        return self._server.url

    @property
    def hook_url(self) -> str:
        """The address of an incoming webhook, which posts as another user."""
        return f"{self.url}/hooks/{HOOK_ID}"

    @property
    def bot(self) -> tuple[str, str]:
        """The table of settings that names the bot, and its token."""
        return f'[bot]\nurl = "{self.url}"\nteam = "{TEAM}"\n', BOT_TOKEN

    def written(self, channel: str) -> list[Written]:
        """The posts of a channel that people see, the oldest first."""
        with self._guard:
            return [post for post in self.posts.values() if post.channel == channel and not post.deleted]

    def roots(self, channel: str) -> list[Written]:
        """Those that are no replies."""
        return [post for post in self.written(channel) if not post.root_id]

    def replies(self, root: Written) -> list[Written]:
        """Those in its thread."""
        return [post for post in self.written(root.channel) if post.root_id == root.id]

    def delete(self, post: Written) -> None:
        """As an administrator does: the replies go with the root."""
        with self._guard:
            for each in self.posts.values():
                each.deleted |= each.id == post.id or each.root_id == post.id

    def recreate(self, channel: str) -> None:
        """The channel is archived, and there is another one of that name."""
        with self._guard:
            for post in self.posts.values():
                if post.channel == channel:
                    post.channel = f"{channel} before"
            self.archived.add(f"{channel} before")
            self.ids[f"{channel} before"] = self.ids[channel]
            self.ids[channel] += "-again"

    def forget_pending(self) -> None:
        """As a restart does."""
        with self._guard:
            self._pending.clear()

    def start(self) -> None:
        """Listen."""
        self._server.start()

    def stop(self) -> None:
        """Go away: connections are refused, and what is pending is forgotten."""
        self._server.stop()
        self.forget_pending()

    def answer(self, method: str, path: str, body: Any, allowed: bool) -> tuple[Reply, _Answer]:
        """How a request is answered: as it is told to, or else as Mattermost would."""
        if not self._server.listens:
            return Reply(drop=True), (0, None)
        parts = urlsplit(path)
        place = parts.path.removeprefix("/api/v4")
        if place == "/system/ping":
            return OK, (200 if self.healthy else 500, {"status": "OK" if self.healthy else "UNHEALTHY"})
        if parts.path == f"/hooks/{HOOK_ID}":
            time.sleep(self.seconds)
            return OK, self._by_hook(body)
        if parts.path.startswith("/hooks/commands/"):
            self.later.append((parts.path.rpartition("/")[2], body))
            return OK, (200, b"ok")
        if not allowed:
            return OK, (401, {"id": "api.context.session_expired.app_error"})
        if place.startswith("/users/"):
            self.asked.append(place)
            time.sleep(self.asking_seconds)
        call = self._call(method, place, body)
        if call is None:
            with self._guard:
                return OK, self._read(
                    method, place, {k: v[-1] for k, v in parse_qs(parts.query).items()}, body
                )
        with self._guard:
            self._under_way.append(call)
            self.at_once.append(list(self._under_way))
        time.sleep(self.seconds)
        with self._guard:
            self._under_way.remove(call)
            self.calls.append(call)
            reply = self.behave(call)
            taken = reply is OK if reply.post is None else reply.post
            answer = self._write(call) if taken else (reply.status, reply.body)
        if reply.hold is not None:
            reply.hold.wait()
        return reply, answer

    def _call(self, method: str, place: str, body: Any) -> Call | None:
        if (method, place) == ("POST", "/posts"):
            return Call("post", body.get("root_id") or "", body)
        patched = re.fullmatch("/posts/([^/]+)/patch", place)
        return Call("patch", patched[1], body) if patched and method == "PUT" else None

    def _read(self, method: str, place: str, query: dict[str, str], body: Any) -> _Answer:
        if not self.healthy:
            return 500, {"id": "app.select_error"}
        match [method, *place.strip("/").split("/")]:
            case ["GET", "users", "me"]:
                return 200, {"id": BOT_ID, "username": BOT_NAME}
            case ["GET", "users", "username", name]:
                known = {"id": self.people.get(name), "username": name}
                return (200, known) if name in self.people else (404, {"id": "missing"})
            case ["GET", "users", id]:
                return (200, self.persons[id]) if id in self.persons else (404, {"id": "missing"})
            case ["POST", "users", "ids"]:
                return 200, [self.persons[each] for each in body if each in self.persons]
            case ["GET", "channels", channel_id]:
                return self._channel(channel_id)
            case ["GET", "channels", channel_id, "members"]:
                return 200, [{"user_id": each} for each in self._in(channel_id, int(query["page"]))]
            case ["GET", "channels", channel_id, "members", id] if id == BOT_ID:
                there = self._name(channel_id) not in {"", *self.forbidden}
                return (200, {"user_id": BOT_ID}) if there else (404, {"id": "missing"})
            case ["GET", "channels", channel_id, "members", id] if id in self.outside:
                return 404, {"id": "app.channel.get_member.missing.app_error"}
            case ["GET", "channels", channel_id, "members", id]:
                return 200, {"user_id": id, "scheme_admin": (channel_id, id) in self.managers}
            case ["POST", "channels", "direct"]:
                name = f"@{next(k for k, v in self.people.items() if v == body[1])}"
                if self.restricted.get(name) == "channel":
                    return 403, {"id": "api.channel.create_channel.direct_channel.team_restricted_error"}
                return 201, {"id": self.ids.setdefault(name, number_of(name))}
            case ["GET", "teams", "name", team, "channels", "name", name] if team == TEAM:
                there = name in self.ids and name not in self.archived
                return (200, {"id": self.ids[name]}) if there else (404, {"id": "store.missing_channel"})
            case ["GET", "posts", id]:
                post = self.posts.get(id)
                return GONE if post is None or post.deleted else (200, self._described(post))
            case ["GET", "channels", channel_id, "posts"]:
                self.searches += 1
                return self._page(channel_id, int(query["page"]), int(query["per_page"]))
        return 404, {"id": "api.context.404.app_error"}

    def _channel(self, channel_id: str) -> _Answer:
        name = self._name(channel_id)
        if not name or (name in self.forbidden and self.kinds.get(name, "O") != "O"):
            return (403 if name else 404), {"id": "api.context.permissions.app_error"}
        gone = 1 if name in self.archived else 0
        return 200, {"id": channel_id, "name": name, "type": self.kinds.get(name, "O"), "delete_at": gone}

    def _in(self, channel_id: str, page: int) -> list[str]:
        everybody = sorted({BOT_ID, *self.present.get(self._name(channel_id), set())})
        return everybody[page * 200 : (page + 1) * 200]

    def _page(self, channel_id: str, page: int, size: int) -> _Answer:
        name = self._name(channel_id)
        found = list(reversed(self.written(name)))[page * size : (page + 1) * size]
        return 200, {"order": [p.id for p in found], "posts": {p.id: self._described(p) for p in found}}

    def _write(self, call: Call) -> _Answer:
        if not self.healthy:
            return FORBIDDEN
        return self._patch(call) if call.kind == "patch" else self._post(call)

    def _post(self, call: Call) -> _Answer:
        pending = call.body["pending_post_id"]
        known, at = self._pending.get(pending, ("", 0.0))
        if known and time.monotonic() - at < _PENDING_SECONDS:
            if self.posts[known].deleted:
                return 500, {"id": "api.post.deduplicate_create_post.failed_to_get"}
            return 201, self._described(self.posts[known])
        name = self._name(call.body["channel_id"])
        if not name or name in self.forbidden:
            return FORBIDDEN
        if call.root_id:
            root = self.posts.get(call.root_id)
            if root is None or root.deleted or root.root_id:
                return 400, {"id": "api.post.create_post.root_id.app_error"}
            if root.channel != name:
                return 400, {"id": "api.post.create_post.channel_root_id.app_error"}
        if name in self.archived:
            return 400, {"id": "api.post.create_post.can_not_post_to_deleted.error"}
        if self.restricted.get(name) == "post":
            return 400, {"id": "api.post.create_post.can_not_post_in_restricted_dm.error"}
        if refusal := self._invalid(call.body):
            return refusal
        post = self._store(name, call.root_id, call.body["message"], call.body["props"], BOT_ID)
        self._pending[pending] = post.id, time.monotonic()
        return 201, self._described(post)

    def _patch(self, call: Call) -> _Answer:
        post = self.posts.get(call.root_id)
        if post is None or post.deleted or post.channel in self.forbidden:
            return FORBIDDEN
        if post.channel in self.archived:
            return 400, {"id": "api.post.patch_post.can_not_update_post_in_deleted.error"}
        if "message" in call.body and not self.editable:
            return 400, {"id": "api.post.update_post.permissions_time_limit.app_error"}
        if refusal := self._invalid(call.body):
            return refusal
        post.shown_before.append(post.shown)
        post.message, post.props = call.body.get("message", post.message), call.body["props"]
        return 200, self._described(post)

    def _invalid(self, body: dict[str, Any]) -> _Answer | None:
        if len(body.get("message", "")) > 16_383:
            return 400, {"id": "model.post.is_valid.msg.app_error"}
        if len(json.dumps(body["props"], ensure_ascii=False)) > 8_000:
            return 400, {"id": "model.post.is_valid.props.app_error"}
        return None

    def _by_hook(self, body: dict[str, Any]) -> _Answer:
        with self._guard:
            if body.get("channel", "home") not in self.ids:
                return 404, b"{}"
            props = {"attachments": body.get("attachments"), **body["props"]}
            self._store(body.get("channel", "home"), "", body.get("text", ""), props, "hookuser")
        return 200, b"ok"

    def _store(
        self, channel: str, root_id: str, message: str, props: dict[str, Any], user_id: str
    ) -> Written:
        self._now = max(self._now + 1, time.time_ns() // 1_000_000)
        post = Written(f"post{len(self.posts)}", channel, root_id, message, props, self._now, user_id)
        self.posts[post.id] = post
        return post

    def _name(self, channel_id: str) -> str:
        return next((name for name, id in self.ids.items() if id == channel_id), "")

    def _described(self, post: Written) -> dict[str, Any]:
        return {
            "id": post.id,
            "channel_id": self.ids[post.channel],
            "root_id": post.root_id,
            "message": post.message,
            "props": post.props,
            "create_at": post.create_at,
            "user_id": post.user_id,
            "delete_at": 1 if post.deleted else 0,
        }


def all_keys(posts: list[Written]) -> Iterator[str]:
    """The delivery keys of these, in their order."""
    for post in posts:
        yield from post.keys
