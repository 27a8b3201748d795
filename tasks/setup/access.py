"""Setup's access to the applications: tokens that are there already, and those that it makes, to be taken back."""

from dataclasses import dataclass

from pydantic import SecretStr

from tasks.operations.api import Api, ApiError
from tasks.operations.resource import ResourceError
from tasks.references import check_account
from tasks.setup.asking import ask, ask_secret, confirm, is_anybody_there, say
from tasks.setup.discovery import Applications
from tasks.setup.given import Given
from tasks.tokens import gitlab, mattermost, nextcloud
from tasks.tokens.making import Maker, unbroken


@dataclass(frozen=True)
class Forge:
    """GitLab: its address, its release, who administers it, the token."""

    url: str
    token: SecretStr
    user: str
    api: Api


def gitlab_access(
    applications: Applications,
    maker: Maker,
    container: str | None,
    given: Given,
    url: str | None,
    token: SecretStr | None,
) -> Forge:
    """With the token that the settings or the options have, if GitLab takes it, else with one made by its console."""
    for secret, where in ((given.gitlab_token, "--gitlab-token-file"), (token, "gitlab.token")):
        if secret is None or url is None:
            continue
        api = applications.api("gitlab", url, secret)
        try:
            user = api.call("GET", "/api/v4/user")
        except ApiError as error:
            if error.status != 401 or where != "gitlab.token":
                raise
            if container is None:
                raise ResourceError(
                    f"gitlab.token in the settings is refused by {url}; make another one there and give it with "
                    "--gitlab-token-file"
                ) from None
            say("gitlab.token in the settings is refused: a new one is made")
            continue
        return Forge(url, secret, user["username"], api)
    if given.gitlab_token is not None:
        raise ResourceError("gitlab.url is not known: give --gitlab-url with the token")
    if container is None:
        raise ResourceError("gitlab.token of a GitLab elsewhere is missing: give it with --gitlab-token-file")
    say("making a token in GitLab's console (up to a minute) …")
    with unbroken():
        made = gitlab.make_by_console(container, gitlab.NAME, given.gitlab_admin)
        secret, found = SecretStr(made["token"]), url or str(made["url"])
        api = applications.api("gitlab", found, secret)
        maker.keep(
            "gitlab.token",
            secret,
            str(made["id"]),
            made["user"],
            lambda token: gitlab.revoke(api, token.id),
            expires=str(made["expires_at"]),
        )
    api.call("GET", "/api/v4/version")  # it is reached there
    return Forge(found, secret, made["user"], api)


def nextcloud_access(
    applications: Applications,
    maker: Maker,
    container: str | None,
    at: tuple[str, str],
    given: SecretStr | None,
    kept: SecretStr | None,
) -> SecretStr:
    """The app password that is `given`, or `kept` in the settings, if Nextcloud takes it, else one made by occ.

    `at` are the address and the account.
    """
    url, user = at
    if known := given or kept:
        try:
            check_account(applications.nextcloud(url, user, known), user)
        except ApiError as error:
            if error.status != 401 or given or container is None:
                raise
            say("nextcloud.relay_password in the settings is refused: a new one is made")
        else:
            return known
    if container is None:
        raise ResourceError(
            "nextcloud.relay_password of a Nextcloud elsewhere is missing: give it with --nextcloud-password-file"
        )
    with unbroken():
        number, password = nextcloud.make(container, user)
        maker.keep(
            "nextcloud.relay_password",
            password,
            number,
            user,
            lambda token: nextcloud.revoke(container, user, token.id),
        )
    return password


@dataclass
class Chat:
    """Mattermost as an administrator: with a session, which is to be ended, or with a token of that person's."""

    api: Api
    user: str
    is_session: bool = False

    def end(self) -> None:
        """End the session, if it is one."""
        if self.is_session:
            mattermost.log_out(self.api)


def mattermost_administrator(applications: Applications, url: str, given: Given) -> Chat:
    """Whoever gives a token or a log-in; it is asked for, and used once."""
    token, user = given.mattermost_token, given.mattermost_user
    if token is None and user is None:
        answer = ask_secret(
            "Token of a Mattermost administrator (empty: log in with name and password)",
            "--mattermost-token-file, or --mattermost-user",
            may_be_empty=True,
        )
        token = SecretStr(answer) if answer else None
    if token is not None:
        api = applications.api("mattermost", url, token)
        return Chat(api, mattermost.require_administrator(api))
    user = user or ask("Mattermost administrator, name or e-mail address", "--mattermost-user")
    session = _session(applications, url, user, given)
    chat = Chat(applications.api("mattermost", url, session), user, is_session=True)
    try:
        mattermost.require_administrator(chat.api)
    except ResourceError:
        chat.end()
        raise
    return chat


def _session(applications: Applications, url: str, user: str, given: Given) -> SecretStr:
    """The token of a session; a person may correct the password, and is asked for the code of a second factor."""
    password, code = given.mattermost_password, given.mattermost_code or ""
    for last in (False, False, True):
        if password is None:
            password = SecretStr(ask_secret(f"Password of {user}", "--mattermost-password-file"))
        try:
            return mattermost.log_in(
                lambda secret: applications.api("mattermost", url, secret), url, user, password, code
            )
        except mattermost.CodeNeeded as error:
            if last or not is_anybody_there():
                raise
            if code:
                say(str(error))
            code = ask("Code of the second factor", "--mattermost-code")
        except mattermost.WrongPassword as error:
            if last or given.mattermost_password is not None or not is_anybody_there():
                raise
            say(str(error))
            password = None
    raise AssertionError("unreachable")


def mattermost_access(
    chat: Chat, applications: Applications, maker: Maker, url: str, given: Given
) -> SecretStr:
    """A token of that administrator's account, for the deploy."""
    if chat.is_session and not mattermost.are_allowed(chat.api):
        _allow(chat, maker, given)
    with unbroken():
        number, secret = mattermost.make(chat.api, mattermost.NAME)
        own = applications.api("mattermost", url, secret)
        maker.keep(
            "mattermost.token", secret, number, chat.user, lambda token: mattermost.revoke(own, token.id)
        )
    return secret


def _allow(chat: Chat, maker: Maker, given: Given) -> None:
    asked = is_anybody_there() and not given.yes
    if asked and not given.allow_tokens:
        say("Mattermost allows nobody a personal access token, which the deploy needs.")
    if given.allow_tokens or (asked and confirm("Switch them on (EnableUserAccessTokens)?")):
        mattermost.allow(chat.api)
        return
    raise ResourceError(
        "mattermost: personal access tokens are switched off; switch them on under System Console > Integrations > "
        "Integration Management, or run again with --allow-mattermost-tokens"
    )
