"""New tokens in the place of those that setup has made, and the end of those that are not in use any more."""

import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from tasks.context import gitlab_api, infrastructure, mattermost_api
from tasks.operations.api import Api
from tasks.operations.compose import running_container
from tasks.operations.resource import Commands, ResourceError, change, resource, step
from tasks.settings import settings_path
from tasks.settings_file import replace_file
from tasks.site import Site
from tasks.tokens import gitlab, ledger, mattermost, nextcloud
from tasks.tokens.ledger import Token
from tasks.tokens.making import Maker, Undo, unbroken

Cloud = Callable[[], str] | None
"""What answers the number of Nextcloud's container; None where that is not on the host."""

# GitLab's comes last, and of each application the one that revokes itself.
_ORDER = ("nextcloud", "mattermost", "gitlab")


def tokens_of(settings: Path, site: Site) -> list[Token]:
    """What setup has made for the site, in the order in which it is to be revoked."""
    own = [token for token in ledger.read(settings) if token.host == site.host.address]
    return sorted(own, key=lambda token: (_ORDER.index(token.application), _is_in_use(site, token)))


def _is_in_use(site: Site, token: Token) -> bool:
    """Whether it stands in its setting, so that the application is asked with it."""
    secret = secret_of(site, token)
    return secret is not None and ledger.mark(secret) == token.mark


def secret_of(site: Site, token: Token) -> SecretStr | None:
    """What stands in the token's setting."""
    section, _, name = token.setting.partition(".")
    found: SecretStr | None = getattr(getattr(site, section), name)
    return found


def renew(settings: Path, site: Site) -> list[str]:
    """Have a new token in the place of each that setup has made and that is in use; on the host of the site.

    A line for each. The former ones stay good until `revoke_unused`.
    """
    lines = []
    for token in tokens_of(settings, site):
        secret = secret_of(site, token)
        if secret is None or not _is_in_use(site, token):
            continue
        if secret.get_secret_value() not in settings.read_text(encoding="utf-8"):
            raise ResourceError(
                f"{token.setting} comes from the environment, so a new one cannot be written there; take the variable "
                f"away and write the token into {settings}"
            )
        made = _replace(settings, site, token, secret)
        lines.append(f"~ {token.described} -> a new one{f', until {made.expires}' if made.expires else ''}")
    return lines


def _replace(settings: Path, site: Site, token: Token, old: SecretStr) -> Token:
    """A new token like this one, in its place in the settings; if it does not come to stand there, it is revoked."""
    undo = Undo()
    with unbroken():
        try:
            number, new, expires = _make(site, token)
            made = Maker(settings, token.host, undo).keep(
                token.setting,
                new,
                number,
                token.account,
                lambda made: revoke(made, *_applications(site)),
                expires,
            )
            # Read after the seconds that it took: somebody may have changed something else in it.
            text = settings.read_text(encoding="utf-8")
            replace_file(settings, text.replace(old.get_secret_value(), new.get_secret_value()))
        except BaseException:
            undo.run()
            raise
    return made


def _make(site: Site, token: Token) -> tuple[str, SecretStr, str]:
    """The new token's number, the token, and when it expires."""
    expires = ""
    if token.application == "gitlab":
        described, secret = gitlab.make(gitlab_api(site, site.gitlab.token))
        number, expires = str(described["id"]), str(described["expires_at"])
    elif token.application == "mattermost":
        number, secret = mattermost.make(mattermost_api(site), mattermost.NAME)
    else:
        number, secret = nextcloud.make(container_of(site), token.account)
    return number, secret, expires


def container_of(site: Site) -> str:
    """The number of Nextcloud's container, on the host of the site."""
    folder, service = infrastructure(site), site.nextcloud.service
    return running_container(folder, service, "nextcloud", site.host.compose_project).id


def revoke_former(settings: Path, site: Site) -> None:
    """Revoke what setup has made for the site and the settings do not hold any more; on the host of the site."""
    revoke_unused(settings, site.host.address, *_applications(site))


def _applications(site: Site) -> tuple[Api, Api, Cloud]:
    """What `revoke` asks."""
    cloud = partial(container_of, site) if site.nextcloud.service else None
    return gitlab_api(site, site.gitlab.token), mattermost_api(site), cloud


def revoke_unused(settings: Path, host: str, forge: Api, chat: Api, cloud: Cloud) -> None:
    """Revoke what setup has made for that host and the settings do not hold any more; the rest is as for `revoke`."""
    text = settings.read_text(encoding="utf-8")
    in_use = {ledger.mark(word) for word in _words(text)}
    for token in ledger.read(settings):
        if token.host == host and token.mark not in in_use:
            revoke(token, forge, chat, cloud)
            ledger.drop(settings, token)


def _words(text: str) -> Iterable[str]:
    """What stands between quotes."""
    return text.replace("'", '"').split('"')


def revoke(token: Token, forge: Api, chat: Api, cloud: Cloud) -> None:
    """Have the application accept the token no longer; one that it does not know is gone already.

    An app password that was made in a container, where the site's Nextcloud is none any more, is named and left.
    """
    if token.application == "gitlab":
        gitlab.revoke(forge, token.id)
    elif token.application == "mattermost":
        mattermost.revoke(chat, token.id)
    elif cloud is not None:
        nextcloud.revoke(cloud(), token.account, token.id)
    else:
        print(
            f"{token.described}, number {token.id}: not revoked, for Nextcloud is not on the host any more; delete it "
            "there under Settings > Security",
            file=sys.stderr,
        )


@step("Tokens")
def revoke_tokens(site: Site) -> None:
    """What setup has made for the site; last of all, for the others need it."""
    _no_tokens(site, name="Tokens that setup has made")


@resource
def _no_tokens(site: Site) -> Commands:
    settings = settings_path()
    found = tokens_of(settings, site)

    def end() -> None:
        applications = _applications(site)
        for token in found:
            revoke(token, *applications)
            ledger.drop(settings, token)

    yield from change([f"- {token.described}" for token in found], end)
