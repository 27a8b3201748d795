"""What is done in GitLab for somebody who asks for it in the chat: with a token of the site's, by their own role."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from relays.delivery.outbox import Outbox
from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.sources.gitlab.accounts import Account, named_account
from relays.sources.gitlab.commands.reasons import reason_of
from relays.sources.gitlab.commands.settings import ActingSettings
from relays.sources.gitlab.commands.subcommand import Asked, Subcommand
from relays.sources.gitlab.people import UserNames
from relays.sources.gitlab.reader import Ask, within
from relays.sources.gitlab.rest import MAY_WRITE, WRITE_TOKEN, GitLabError, PlaceApi, Server, UnconfirmedError
from relays.sources.gitlab.router import Router
from relays.storage.store import Store

log = logging.getLogger(__name__)

# Whoever has pressed a button is answered within twenty seconds: nothing is begun that they would not hear of.
_SECONDS = 10.0


@dataclass(frozen=True)
class Who:
    """For whom something is done: their account in GitLab, where `ask` puts each question; `name` is in Mattermost."""

    account: Account
    name: str
    ask: Ask


class Actor:
    """Acts in the GitLab of `server`, for whom the site names in `people`.

    A name or an address in Mattermost is no proof: people may take another one there.
    """

    def __init__(self, server: Server, people: UserNames) -> None:
        self._server = server
        self._people = people

    def project(self, path: str) -> PlaceApi:
        """A project of that GitLab."""
        return PlaceApi(self._server, path)

    def answer(self, asked: Asked, act: Callable[[Who], Markup]) -> Markup:
        """What `act` answers, which may raise GitLabError; or why nothing was done, or that nobody knows if it was.

        Mattermost is asked who somebody is before, for it may not say it any more afterwards.
        """
        wording, ask, person = asked.wording, within(_SECONDS), asked.person()
        try:
            account = None if person.is_bot else named_account(self._server, self._people, person.name, ask)
            if account is None:
                return Markup(wording["command.act.nobody"])
            return act(Who(account, person.name, ask))
        except GitLabError as error:
            unconfirmed = isinstance(error, UnconfirmedError)
            log.warning(
                "%s in GitLab user=%s reason=%s%s",
                "unconfirmed" if unconfirmed else "not done",
                asked.command.user_id,
                error,
                f" remedy={error.remedy}" if error.remedy else "",
            )
            key = "command.act.unconfirmed" if unconfirmed else "command.act.refused"
            return markup.fill(wording[key], reason=reason_of(error))


class ActingSubcommand(Subcommand):
    """One that says in a thread what it has done in GitLab; without an `actor` it does nothing there."""

    asks_mattermost = True

    def __init__(self, store: Store, outbox: Outbox, router: Router, actor: Actor | None) -> None:
        self.acts_in_gitlab = actor is not None
        self._store = store
        self._outbox = outbox
        self._router = router
        self._actor = actor


def read_server(settings: ActingSettings | None, credentials: Path, ca: Path | None = None) -> Server | None:
    """The GitLab of the table [commands.gitlab], with the credential `gitlab-write-token`; None without both.

    For `ca` see relays.base.tls. StartError as for `Credential.read`.
    """
    token = WRITE_TOKEN.read(credentials, wanted=settings is not None)
    return Server(settings.url, token, ca, settings.proxy, MAY_WRITE) if settings and token else None
