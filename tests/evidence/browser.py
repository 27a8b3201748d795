"""A headless Chromium that is on this machine, driven over a pipe by its own DevTools protocol.

The pipe (`--remote-debugging-pipe`: messages that end in NUL, on file descriptors 3 and 4) opens no port that
others on the machine could use, and needs no driver of the browser's version.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# Python's subprocess cannot give a pipe a number of our choice.
_LAUNCH = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
_CALL_SECONDS = 30


class BrowserError(Exception):
    """The browser did not start, ended, or refused a command; the text says which."""


class SettingMissing(BrowserError):
    """The site's settings lack what signing in needs."""

    def __init__(self, setting: str):
        super().__init__(f"{setting} is not set")
        self.setting = setting


def find() -> str | None:
    """A browser of this machine."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class Browser:
    """One tab. `proxy` is an address such as socks5h://127.0.0.1:1080, through which names are resolved too.

    Certificates with one of `keys` (tests.evidence.keys) are trusted, whoever has signed them.
    """

    def __init__(
        self, program: str, proxy: str | None = None, language: str = "fr", keys: Sequence[str] = ()
    ):
        self._profile = tempfile.TemporaryDirectory(prefix="evidence-", ignore_cleanup_errors=True)
        options = [
            "--headless=new",
            "--remote-debugging-pipe",
            f"--user-data-dir={self._profile.name}",
            f"--lang={language}",
            f"--accept-lang={language}",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ]
        if proxy:
            # Chromium's socks5 leaves names to the proxy, which curl calls socks5h.
            options += [
                f"--proxy-server={proxy.replace('socks5h', 'socks5')}",
                "--proxy-bypass-list=<-loopback>",
            ]
        if keys:
            options.append(f"--ignore-certificate-errors-spki-list={','.join(keys)}")
        if os.geteuid() == 0:
            options.append("--no-sandbox")  # Chromium's sandbox refuses root
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _LAUNCH,
                str(theirs_in),
                str(theirs_out),
                program,
                *options,
                "about:blank",
            ],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer, self._number, self._session = b"", 0, ""
        try:
            target = self._call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            self._call("Page.enable")
            self.resize(1280, 800)
            # A page for people with dark rooms would print badly.
            self._call(
                "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "light"}]
            )
        except BrowserError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def resize(self, width: int, height: int) -> None:
        """Have the page shown in so many CSS pixels."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def cookies(self, url: str, values: dict[str, str]) -> None:
        """Set cookies for the server of a URL."""
        cookies = [{"name": name, "value": value, "url": url} for name, value in values.items()]
        self._call("Network.setCookies", cookies=cookies)

    def store(self, url: str, values: dict[str, str]) -> None:
        """Have values in the local storage of the pages of a server, before their own scripts look there."""
        parts = urlsplit(url)
        script = f"""if (location.origin === {json.dumps(f"{parts.scheme}://{parts.netloc}")})
            Object.assign(localStorage, {json.dumps(values)});"""
        self._call("Page.addScriptToEvaluateOnNewDocument", source=script)

    def open(self, url: str) -> None:
        """Go to a page."""
        self._call("Emulation.setScriptExecutionDisabled", value=False)
        answer = self._call("Page.navigate", url=url)
        if "errorText" in answer:
            raise BrowserError(f"{url}: {answer['errorText']}")

    def evaluate(self, function: str, *arguments: object) -> Any:
        """Call a JavaScript function in the page, from a world of its own: the page's scripts see nothing of it."""
        frame = self._call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = self._call("Page.createIsolatedWorld", frameId=frame, worldName="evidence")
        answer = self._call(
            "Runtime.callFunctionOn",
            functionDeclaration=function,
            executionContextId=world["executionContextId"],
            arguments=[{"value": argument} for argument in arguments],
            returnByValue=True,
            awaitPromise=True,
        )
        if "exceptionDetails" in answer:
            raise BrowserError(
                answer["exceptionDetails"]["exception"].get("description", "JavaScript failed")
            )
        return answer["result"].get("value")

    def stop_scripts(self) -> None:
        """From now on the page's own scripts do nothing more, until another page is opened."""
        self._call("Emulation.setScriptExecutionDisabled", value=True)

    def picture(self, form: Literal["png", "webp"]) -> bytes:
        """What is in sight; WebP keeps text legible at a fraction of PNG's size."""
        options = {"quality": 90} if form == "webp" else {}
        shot = self._call("Page.captureScreenshot", format=form, **options)
        return base64.b64decode(shot["data"])

    def close(self) -> None:
        """End the browser and remove its profile."""
        os.close(self._to)  # it ends with its pipe
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._from)
        self._profile.cleanup()

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        try:
            self._write(json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise BrowserError("the browser did not start or has ended") from None
        deadline = time.monotonic() + _CALL_SECONDS
        while True:
            answer = self._read(method, deadline)
            if answer.get("id") != self._number:  # an event
                continue
            if "error" in answer:
                raise BrowserError(f"{method}: {answer['error']['message']}")
            result: dict[str, Any] = answer["result"]
            return result

    def _write(self, message: bytes) -> None:
        while message:
            message = message[os.write(self._to, message) :]

    def _read(self, method: str, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise BrowserError(f"{method}: no answer within {_CALL_SECONDS} s")
            received = os.read(self._from, 1 << 20)
            if not received:
                raise BrowserError("the browser did not start or has ended")
            self._buffer += received
        message, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer
