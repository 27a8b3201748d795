"""Why an API does not do what it is asked: in words, with the setting and the remedy, and without a secret."""

from dataclasses import dataclass

import requests
from paramiko import ChannelException, SSHException

from relays.base.errors import explain
from relays.base.tls import causes
from tasks.operations.masking import Mask

_NAMES = {"mattermost": "Mattermost", "gitlab": "GitLab", "nextcloud": "Nextcloud"}
# SSH_OPEN_ADMINISTRATIVELY_PROHIBITED of RFC 4254.
_PROHIBITED = 1


@dataclass(frozen=True)
class Server:
    """What is said of a server: the section of the settings about it, its address, the setting of its token.

    `from_here`: this machine calls it, and so by the proxies of its own environment.
    """

    section: str
    url: str
    token: str
    from_here: bool = False

    @property
    def name(self) -> str:
        """The application."""
        return _NAMES.get(self.section, "the server")

    def silent(self, error: Exception) -> str:
        """There is no answer."""
        check = f"check {self.section}.url and that the server runs"
        for each in causes(error):
            if isinstance(each, ChannelException):
                if each.code == _PROHIBITED:
                    return (
                        f"{self.section}: sshd on the host forbids the way to {self.url}; allow AllowTcpForwarding in "
                        'its sshd_config, or set host.api_access = "direct"'
                    )
                why = "the host cannot connect to it: unknown name, or nothing listens there"
                return f"{self.section}: no answer from {self.url} ({why}); {check}"
            if isinstance(each, SSHException):
                return f"{self.section}: no answer from {self.url} (the SSH connection has ended); run again"
        why, remedy = explain(error, f"{self.section}.url")
        if self.from_here and isinstance(error, requests.exceptions.ProxyError):
            remedy = "correct HTTP_PROXY, HTTPS_PROXY or NO_PROXY of the environment"
        return f"{self.section}: no answer from {self.url} ({why}); {remedy or check}"

    def stranger(self) -> str:
        """What answers is something else."""
        return f"{self.section}: what answers at {self.url} is not {self.name}; correct {self.section}.url"

    def refused(self, answer: requests.Response, asked: str, code: str, message: str) -> str:
        """The answer is an error; `asked` is what was asked for, `code` and `message` are the API's own."""
        if answer.is_redirect:
            # What follows the question mark may be a secret of a sign-in.
            target = answer.headers.get("Location", "?").partition("?")[0][:200]
            return (
                f"{self.section}: {self.url} redirects to {target}; "
                f"set {self.section}.url to the address that answers itself"
            )
        # Every error of Mattermost's own has an id.
        is_foreign = self.section == "mattermost" and not code
        if answer.status_code == 401 and is_foreign:
            return self.stranger()
        if answer.status_code == 401:
            return f"{self.section}: {self.url} refuses {self._what} (401); check {self.token}"
        if answer.status_code == 403 and "insufficient_scope" in message:
            return f"{self.section}: {asked}: {self._what} has not the scope for it (403); check {self.token}"
        if answer.status_code == 403:
            return (
                f"{self.section}: {asked}: not allowed (403{', ' + code if code else ''}); "
                f"{self.token} must be an administrator's"
            )
        if answer.status_code == 404 and (is_foreign or "json" not in answer.headers.get("Content-Type", "")):
            return (
                f"{self.section}: there is no {self.name} at {self.url} ({asked}: 404); "
                f"correct {self.section}.url: the address that its pages are opened at"
            )
        said = Mask()(message)[:300]
        return f"{self.section}: {asked}: HTTP {answer.status_code}{', ' + code if code else ''}: {said}"

    @property
    def _what(self) -> str:
        return "the password" if self.token.endswith("password") else "the token"


def error_of(answer: requests.Response) -> tuple[str, str]:
    """The error id and message of an answer: Mattermost gives both, GitLab a message or an error."""
    try:
        body = answer.json()
    except ValueError:
        return "", answer.reason or "no JSON"
    if not isinstance(body, dict):
        return "", answer.reason or ""
    return str(body.get("id", "")), str(body.get("message") or body.get("error") or answer.reason)
