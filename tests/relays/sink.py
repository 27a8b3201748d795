"""A Mattermost that does as it is asked: takes posts, refuses, hangs, drops, goes away and comes back."""

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.relays.loopback import Handler, Loopback

HOOK_ID = "hook8secret7of6the5sink432"


@dataclass
class Reply:
    """How a request is answered.

    `drop`: not at all; `raw`: by these bytes, then by `pieces` (of Nextcloud alone); `endless`: the body never ends;
    `post`: the message is taken, whatever the answer; `hold`: not before this is set.
    """

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    raw: bytes = b""
    pieces: Iterable[bytes] = ()
    endless: bool = False
    post: bool | None = None
    hold: threading.Event | None = None


OK = Reply()
DROPPED = Reply(drop=True)
DROPPED_AFTER_POSTING = Reply(drop=True, post=True)


def keys_of(payload: dict[str, Any]) -> list[str]:
    """The delivery keys that a message covers: its own, or those of a digest."""
    properties = payload["props"]
    return list(
        properties["passerelle_keys"] if "passerelle_keys" in properties else [properties["passerelle_key"]]
    )


@dataclass(frozen=True)
class Post:
    """A message that was taken."""

    payload: dict[str, Any]
    at: float

    @property
    def key(self) -> str:
        """The delivery key of a message that is no digest."""
        (key,) = keys_of(self.payload)
        return key

    @property
    def channel(self) -> str:
        """Where it was posted."""
        return str(self.payload.get("channel", "home"))

    @property
    def shown(self) -> str:
        """All that people see of it, on one line."""
        boxes = self.payload.get("attachments", [{}])
        values = [field["value"] for box in boxes for field in box.get("fields", [])]
        texts = [self.payload.get("text", ""), *(box.get("title", "") + box.get("text", "") for box in boxes)]
        return " | ".join(text for text in [*texts, *values] if text)


class Sink:
    """An incoming webhook on a loopback port that stays the same over `stop` and `start`.

    Its own channel is `home`; `channels` holds those that a post may name. `ping` is the answer to who asks how it is,
    if not what `healthy` says.
    """

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.attempts = 0
        self.behave: Callable[[dict[str, Any]], Reply] = lambda payload: OK
        self.healthy = True
        self.ping: Reply | None = None
        self.hook_known = True
        self.channels = {"home"}
        self._open = threading.Event()
        self._open.set()
        self._guard = threading.Lock()
        sink = self

        class Answers(Handler):
            def do_POST(self) -> None:
                payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(sink.reply_to(payload))

            def do_GET(self) -> None:
                state = "OK" if sink.healthy else "UNHEALTHY"
                body = json.dumps({"status": "OK", "database_status": state}).encode()
                self._answer(sink.ping or Reply(200 if sink.healthy else 500, body))

            def _answer(self, reply: Reply) -> None:
                if reply.drop or reply.raw:
                    self.wfile.write(reply.raw)
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                length = {} if reply.endless else {"Content-Length": str(len(reply.body))}
                for name, value in {**reply.headers, **length}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)
                while reply.endless:  # until whoever asked has had enough
                    self.wfile.write(b"and more " * 1000)

        self._server = Loopback(Answers)

    @property
    def port(self) -> int:
        """Where it listens, on the loopback."""
        return self._server.port

    @property
    def url(self) -> str:
        """The address of the webhook, which is a secret."""
        return f"http://127.0.0.1:{self._server.port}/hooks/{HOOK_ID}"

    @property
    def keys(self) -> list[str]:
        """The delivery keys of all that was taken, in its order."""
        return [key for post in self.posts for key in keys_of(post.payload)]

    def hang(self) -> None:
        """Answer nobody until `go_on`."""
        self._open.clear()

    def go_on(self) -> None:
        """Answer those who wait, and everybody from now on."""
        self._open.set()

    def start(self) -> None:
        """Listen."""
        self._server.start()

    def stop(self) -> None:
        """Go away: connections are refused."""
        self._server.stop()

    def reply_to(self, payload: dict[str, Any]) -> Reply:
        """Take or refuse a message, as Mattermost would and as the test wants it."""
        if not self._server.listens:
            # A connection that was kept alive ends with the server.
            return DROPPED
        with self._guard:
            self.attempts += 1
        self._open.wait()
        if payload.get("channel", "home") not in self.channels:
            # Also how the webhook is asked whether it lives, with a channel that cannot exist.
            return Reply(404 if self.hook_known else 400, b"{}")
        with self._guard:
            reply = self.behave(payload) if self.hook_known else Reply(400, b"{}")
            if (
                reply.post
                if reply.post is not None
                else reply.status == 200 and not reply.drop and not reply.raw
            ):
                self.posts.append(Post(payload, time.monotonic()))
        if reply.hold is not None:
            reply.hold.wait()
        return reply
