"""Signing in as a person with a browser does; each answers the cookies of the session."""

import re

from tasks.site import Site
from tests.acceptance.people import Chat, Person
from tests.evidence.browser import BrowserError


def mattermost(site: Site, chat: Chat) -> dict[str, str]:
    """Mattermost takes an access token in place of a session's; its page looks for the user's id as well."""
    me = chat.api("GET", "/users/me")
    return {"MMAUTHTOKEN": site.mattermost.token.get_secret_value(), "MMUSERID": me["id"]}


def gitlab(site: Site, proxy: str | None) -> dict[str, str]:
    """GitLab's pages take no token, so this fills in the form."""
    if site.gitlab.web_password is None:
        raise BrowserError("gitlab.web_password is not set")
    person = Person(proxy)
    address = f"{site.gitlab.url}/users/sign_in"
    field = re.search(r'name="authenticity_token" value="([^"]+)"', person.send("GET", address).text)
    form = {
        "authenticity_token": field[1] if field else "",
        "user[login]": site.gitlab.web_user,
        "user[password]": site.gitlab.web_password.get_secret_value(),
    }
    answer = person.send("POST", address, data=form)
    if answer.url.partition("?")[0] == address:
        raise BrowserError(f"GitLab does not sign in {site.gitlab.web_user} with gitlab.web_password")
    return _cookies(person)


def nextcloud(site: Site, proxy: str | None) -> dict[str, str]:
    """Nextcloud opens a session for whoever shows an app password."""
    wanted = site.nextcloud
    if wanted.app_password is None:
        raise BrowserError("nextcloud.app_password is not set")
    person = Person(proxy)
    person.send(
        "GET", f"{wanted.url}/apps/files/", auth=(wanted.admin, wanted.app_password.get_secret_value())
    )
    return _cookies(person)


def _cookies(person: Person) -> dict[str, str]:
    return {cookie.name: cookie.value or "" for cookie in person.session.cookies}
