"""`take`: says of the document that a thread begins with who sees to it. The Nextcloud relay has the thread."""

import logging
from datetime import datetime
from pathlib import Path

from relays.mattermost import markup
from relays.mattermost.handover import Handover, NoAnswerError, NobodyThereError, hand_over
from relays.mattermost.markup import Markup
from relays.sources.gitlab.commands.subcommand import Asked, Subcommand
from relays.storage.storing import UncertainError

log = logging.getLogger(__name__)


class Take(Subcommand):
    """For everybody in the channel, once for each document; `socket` is that of the Nextcloud relay, if it has one."""

    name = "take"
    asks_mattermost = True
    elsewhere = True

    def __init__(self, socket: Path | None) -> None:
        self._socket = socket

    def answer(self, asked: Asked) -> Markup:
        wording, command = asked.wording, asked.command
        if self._socket is None:
            return Markup(wording["command.take.off"])
        if not command.root_id:
            return Markup(wording["command.take.thread"])
        person = asked.person()
        if person.is_bot:
            return Markup(wording["button.members_only"])
        handover = Handover(asked.conversation, command.root_id, command.user_id, person.name)
        try:
            handled = hand_over(self._socket, handover)
        except NobodyThereError as error:
            log.warning("not handed over command=%s socket=%s reason=%s", self.name, self._socket, error)
            return Markup(wording["command.take.nobody"])
        except NoAnswerError:
            raise UncertainError from None
        log.info("take channel=%s user=%s outcome=%s", command.channel, command.user_id, handled.outcome)
        match handled.outcome:
            case "uncertain":
                raise UncertainError
            case "gone":
                return Markup(wording["button.gone" if asked.conversation else "command.take.thread"])
        when = datetime.fromtimestamp(handled.at).strftime(wording["document.taken_format"])
        said = wording[f"command.take.{handled.outcome}"]
        return markup.fill(said, name=markup.plain(handled.name, 64), when=Markup(when))
