"""Takes the mission's screenshots while the checks run. What keeps it from one stands in the report, no more."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from tests.evidence.browser import Browser, BrowserError, SettingMissing
from tests.evidence.dossier import Dossier, Picture
from tests.evidence.keys import trusted_keys
from tests.evidence.pictures import PICTURES, Application, Page
from tests.evidence.wording import TEXTS
from tests.waiting import wait_until


@dataclass(frozen=True)
class Session:
    """What a browser needs to be somebody: cookies, and what else the pages look for in the local storage."""

    cookies: dict[str, str]
    storage: dict[str, str] = field(default_factory=dict)


Login = Callable[[], Session]

_FIND = """(selector, text) => {
  const found = [...document.querySelectorAll(selector)].filter(one => one.textContent.includes(text))[0];
  if (!found || document.readyState !== "complete") return false;
  // A tick box shows little: its group does.
  const shown = found.matches("input") ? found.closest(".form-group") || found : found;
  shown.scrollIntoView({block: "center"});
  shown.style.outline = "2px solid #e8590c";
  shown.style.outlineOffset = shown.matches("h1, h2") ? "5px" : "-2px";
  return true;
}"""

# The ids of webhooks, and each secret by its value, keep their first characters and their length.
_MASK = """(secrets) => {
  const cover = text => secrets.reduce(
    (kept, secret) => kept.replaceAll(secret, "•".repeat(secret.length)),
    text.replace(/\\b([a-z0-9]{4})([a-z0-9]{22})\\b/g, (_, start, rest) => start + "•".repeat(rest.length)));
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const masked = cover(walker.currentNode.data);
    if (masked !== walker.currentNode.data) walker.currentNode.data = masked;
  }
  for (const field of document.querySelectorAll("input, textarea"))
    if (cover(field.value) !== field.value) field.value = cover(field.value);
}"""


class Camera(AbstractContextManager["Camera"]):
    """Takes pictures of the pages below `urls`, signed in by `logins`, with the browser `program`.

    For `ca` see relays.base.tls.
    """

    def __init__(
        self,
        dossier: Dossier,
        program: str | None,
        proxy: str | None,
        urls: dict[Application, str],
        logins: dict[Application, Login],
        values: dict[str, str],
        seconds: float = 20,
        ca: Path | None = None,
    ):
        self._dossier, self._program, self._proxy = dossier, program, proxy
        self._urls, self._logins, self._values, self._seconds = urls, logins, values, seconds
        self._ca = ca
        self._browser: Browser | None = None
        self._inside: set[Application] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._browser:
            self._browser.close()

    def take(self, name: str, **values: object) -> None:
        """Take the picture of this name; `values` fill in what the page's address and text leave open."""
        page = PICTURES[name]
        caption = page.fr if self._dossier.language == "fr" else page.en
        picture = Picture(name, caption)
        self._dossier.pictures[name] = picture
        if self._program is None:
            picture.reason, picture.unasked = TEXTS[self._dossier.language]["no_browser"], True
            return
        try:
            picture.png, picture.webp = self._look(self._program, page, {**self._values, **values})
        except SettingMissing as error:
            reported = TEXTS[self._dossier.language]["not_set"].format(setting=error.setting)
            picture.reason, picture.unasked = reported, True
        except (BrowserError, requests.RequestException, OSError) as error:
            picture.reason = self._dossier.mask(str(error))

    def _look(self, program: str, page: Page, values: dict[str, object]) -> tuple[bytes, bytes]:
        if self._browser is None:
            keys = [*trusted_keys(self._urls.values(), self._proxy, self._ca)]
            self._browser = Browser(program, self._proxy, self._dossier.language, keys)
        browser, url = self._browser, self._urls[page.application]
        if page.application not in self._inside:
            session = self._logins[page.application]()
            browser.cookies(url, session.cookies)
            browser.store(url, session.storage)
            self._inside.add(page.application)
        address = url + page.path.format(**values)
        selector, text = page.selector.format(**values), page.text.format(**values)
        browser.open(address)
        if not seek(browser, selector, text, self._seconds):
            raise BrowserError(f"{address}: {text or selector} is not to be seen within {self._seconds} s")
        cover(browser, self._dossier.mask.secrets)
        return browser.picture("png"), browser.picture("webp")


def seek(browser: Browser, selector: str, text: str, seconds: float) -> bool:
    """Wait for an element that `selector` finds and that holds `text`; frame it and have it in sight."""
    try:
        wait_until(text or selector, lambda: browser.evaluate(_FIND, selector, text), seconds)
    except AssertionError:
        return False
    return True


def cover(browser: Browser, secrets: list[str]) -> None:
    """Make secrets on the page unreadable. Its scripts, which could write them anew, are at an end."""
    browser.stop_scripts()
    browser.evaluate(_MASK, secrets)
