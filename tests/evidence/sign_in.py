"""Signing in as a person with a browser does."""

import re

from tasks.site import Site
from tests.acceptance.people import Chat, Person
from tests.evidence.browser import BrowserError, SettingMissing
from tests.evidence.camera import Session


def mattermost(site: Site, chat: Chat) -> Session:
    """Mattermost takes an access token in place of a session's; its page looks for the user's id as well.

    The page that asks newcomers whether they want the desktop program instead is passed over.
    """
    me = chat.api("GET", "/users/me")
    cookies = {"MMAUTHTOKEN": site.mattermost.token.get_secret_value(), "MMUSERID": me["id"]}
    return Session(cookies, {"__landingPageSeen__": "true"})


def gitlab(site: Site, proxy: str | None) -> Session:
    """GitLab's pages take no token, so this fills in the form."""
    if site.gitlab.web_password is None:
        raise SettingMissing("gitlab.web_password")
    person = Person(site, proxy)
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
    return _session(person)


def nextcloud(site: Site, proxy: str | None) -> Session:
    """Nextcloud opens a session for whoever shows an app password."""
    wanted = site.nextcloud
    if wanted.app_password is None:
        raise SettingMissing("nextcloud.app_password")
    person = Person(site, proxy)
    person.send(
        "GET", f"{wanted.url}/apps/files/", auth=(wanted.admin, wanted.app_password.get_secret_value())
    )
    return _session(person)


def _session(person: Person) -> Session:
    return Session({cookie.name: cookie.value or "" for cookie in person.session.cookies})
