"""Notifications of conversations for the relay of tests.relays.speaker, and what has to come of them."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.relays.bot_sink import BotSink, Written
from tests.relays.process import Relay


@dataclass(frozen=True)
class Said:
    """A notification: what is said, if anything, and what the root shows from then on, in a box or in text as well."""

    key: str
    says: str | None = None
    shows: str | None = None
    conversation: str = "taaf/passerelle!1"
    channel: str = "dev"
    written: str | None = None


class Speaker(Relay):
    """A relay that says what is written into `news`: as the bot of this table and token, or by the webhook."""

    def __init__(
        self,
        home: Path,
        hook_url: str,
        news: Path,
        bot: tuple[str, str],
        settings: str = "",
        spool: str | None = None,
    ) -> None:
        super().__init__("speaker", home, hook_url, "", spool)
        self._table, self._token = bot
        self._news, self._settings = news, settings
        (home / "credentials" / "mattermost-bot-token").write_text(f"{self._token}\n")
        self.as_bot()

    @property
    def program(self) -> str:
        """The module that is run."""
        return "tests.relays.speaker"

    @property
    def _head(self) -> str:
        return f'news = "{self._news}"\n{self._settings}\n'

    def as_bot(self, settings: str | None = None) -> None:
        """Post as the bot from the next start on; with other settings, if there are any."""
        self._settings = self._settings if settings is None else settings
        self.configure(f"{self._head}{self._table}")

    def by_webhook(self) -> None:
        """Post by the webhook from the next start on."""
        self.configure(self._head)

    def close(self) -> None:
        """End it, and see that it printed no secret."""
        super().close()
        assert self._token not in self.text

    def waiting(self) -> int:
        """How many notifications wait, and how many roots for an edit."""
        count = 0
        for where in ("outbox WHERE state = 'ready'", "conversation WHERE due_at IS NOT NULL"):
            count += self.count(where)
        return count

    def parked(self) -> int:
        """How many notifications were put aside."""
        return self.count("outbox WHERE state = 'parked'")

    def settled(self, keys: int) -> bool:
        """Whether so many notifications are stored, and nothing waits."""
        return self.count("outbox") >= keys and self.waiting() == 0


def write(news: Path, notifications: Iterable[Said]) -> None:
    """Have the relays say more."""
    with news.open("a", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(asdict(each))}\n" for each in notifications)


@dataclass(frozen=True)
class Verdict:
    """What became of notifications: how many are missing or came twice, and which roots are wrong."""

    lost: list[str]
    doubled: list[str]
    disordered: list[str]
    roots: dict[str, list[str]]

    @property
    def holds(self) -> bool:
        """Whether all is as it should be."""
        return not (self.lost or self.doubled or self.disordered or self.roots)


def judge(sink: BotSink, notifications: Iterable[Said]) -> Verdict:
    """Compare what people see with what was said. A root is known by what it has to show: "… of CONVERSATION".

    What a digest of the channel has said counts as well, and who has only been in those may have no root.
    """
    wanted: dict[tuple[str, str], list[Said]] = {}
    for each in notifications:
        wanted.setdefault((each.channel, each.conversation), []).append(each)
    verdict = Verdict([], [], [], {})
    for channel in {channel for channel, _ in wanted}:
        conversation_of = {
            each.key: name for (c, name), said in wanted.items() if c == channel for each in said
        }
        roots: dict[str, list[Written]] = {}
        name_of_root: dict[str, str] = {}
        came: dict[str, list[str]] = {}
        in_digests: set[str] = set()
        for post in sink.written(channel):
            if post.root_id:
                came.setdefault(name_of_root[post.root_id], []).extend(post.keys)
            elif post.is_digest:
                for key in post.keys:
                    came.setdefault(conversation_of.get(key, ""), []).append(key)
                    in_digests.add(conversation_of.get(key, ""))
            else:
                name = post.shown.rpartition(" of ")[2]
                name_of_root[post.id] = name
                roots.setdefault(name, []).append(post)
        for (_, name), said in ((w, s) for w, s in wanted.items() if w[0] == channel):
            keys, silent = (
                [e.key for e in said if (e.says is None) == is_silent] for is_silent in (False, True)
            )
            heard = came.get(name, [])
            verdict.lost.extend(key for key in keys if key not in heard)
            verdict.doubled.extend(key for key in set(heard) if heard.count(key) > 1)
            spoken = [key for key in dict.fromkeys(heard) if key not in silent]
            if spoken != [key for key in keys if key in heard]:
                verdict.disordered.append(name)
            finally_shown = [each.shows for each in said if each.shows is not None][-1]
            shown = [root.shown for root in roots.get(name, [])]
            if shown != [finally_shown] and (shown or name not in in_digests):
                verdict.roots[name] = shown
    return verdict
