"""What setup finds on the host by itself: the Compose project, the three applications, their addresses."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr
from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from tasks.operations.api import Api
from tasks.operations.compose import ComposeContainers, Container, read
from tasks.operations.nextcloud import account_api
from tasks.operations.remote import last_line, run_quietly
from tasks.operations.resource import ResourceError
from tasks.operations.tunnel import host_transport
from tasks.tokens.nextcloud import occ

APPLICATIONS = ("gitlab", "nextcloud", "mattermost")
# What runs beside an application, often from its image, and is not it.
_HELPERS = re.compile(
    r"runner|agent|registry|pages|cron|redis|postgres|mariadb|mysql|database|\bdb\b|exporter|push|proxy|nginx|imaginary|"
    r"notify|talk|collabora|onlyoffice|elasticsearch|calls"
)
# What answers without a token, and a key of its answer.
_HEALTH = {
    "nextcloud": ("/status.php", "versionstring"),
    "mattermost": ("/api/v4/system/ping", "status"),
}


@dataclass(frozen=True)
class Found:
    """A Compose project with its applications, each by its container; `alone` says that its folder has no other."""

    name: str
    folder: str
    alone: bool
    containers: dict[str, Container] = field(default_factory=dict)

    @property
    def services(self) -> str:
        """For people."""
        return ", ".join(
            what if what == each.service else f"{each.service} ({what})"
            for what, each in self.containers.items()
        )


def projects() -> list[Found]:
    """The Compose projects of the host that have a GitLab and a Nextcloud; ResourceError if there is none."""
    return among(read(host.get_fact(ComposeContainers, directory="/"), "/"))


def among(containers: list[Container]) -> list[Found]:
    """The same, of all the containers that Compose has made."""
    folders = {each.project.name: each.project.folder for each in containers}
    found = []
    for name, folder in sorted(folders.items()):
        own = [each for each in containers if each.project.name == name]
        chosen = {what: each for what in APPLICATIONS if (each := _application(what, own))}
        if {"gitlab", "nextcloud"} <= set(chosen):
            alone = list(folders.values()).count(folder) == 1
            found.append(Found(name, folder, alone, chosen))
    if not found:
        known = ", ".join(sorted(folders)) or "none at all"
        raise ResourceError(
            "host: no Compose project on the host has a GitLab and a Nextcloud that run (there are: "
            f"{known}); start it (docker compose up -d), or write the settings by hand"
        )
    return found


def _application(what: str, containers: Iterable[Container]) -> Container | None:
    """The container of an application: by the name of its service, or by that of its image."""

    def fits(container: Container) -> int:
        image = container.image.rpartition("/")[2].partition("@")[0].partition(":")[0]
        if container.state != "running" or _HELPERS.search(container.service) or _HELPERS.search(image):
            return 0
        return 3 if container.service == what else 2 if what in container.service else int(what in image)

    best = sorted(
        ((fits(each), -each.number, each) for each in containers if fits(each)), key=lambda row: row[:2]
    )
    return best[-1][2] if best else None


class Applications:
    """Questions to the applications through the SSH connection, before there are settings."""

    def __init__(self, ca: Path | None) -> None:
        self._ca = ca

    def api(self, application: str, url: str, token: SecretStr | None = None) -> Api:
        """The application at that address."""
        gitlab = application == "gitlab"
        return Api(
            application,
            url,
            token or SecretStr("-"),
            header="PRIVATE-TOKEN" if gitlab and token else "Authorization",
            scheme="" if gitlab else "Bearer ",
            transport=lambda: host_transport(host),
            ca=self._ca,
        )

    def nextcloud(self, url: str, user: str, password: SecretStr) -> Api:
        """Nextcloud at that address, with an app password of that account."""
        return account_api(url, user, password, transport=lambda: host_transport(host), ca=self._ca)

    def refuse_wrong(self, application: str, url: str) -> None:
        """ResourceError if the host does not find the application at that address."""
        path, key = _HEALTH[application]
        api = self.api(application, url)
        answer = api.call("GET", path, absent=("404",))
        if not isinstance(answer, dict) or key not in answer:
            raise ResourceError(api.server.stranger())


def nextcloud_addresses(container: str) -> Iterator[str]:
    """Where Nextcloud says that it is reached."""
    written = _setting(container, "overwrite.cli.url")
    if written and "//localhost" not in written:
        yield written.rstrip("/")
    protocol = _setting(container, "overwriteprotocol")
    for number in range(5):
        domain = _setting(container, "trusted_domains", str(number))
        if domain and domain != "localhost" and "*" not in domain:
            yield from (f"{scheme}://{domain}" for scheme in ([protocol] if protocol else ["https", "http"]))


def nextcloud_data(container: str) -> str | None:
    """Nextcloud's folder for data, in the container."""
    return _setting(container, "datadirectory")


def nextcloud_users(container: str) -> list[str]:
    """The accounts of Nextcloud; ResourceError if occ does not answer."""
    ok, output = occ(container, "user:list")
    found = re.findall(r"^  - (.+?): ", output, re.MULTILINE)
    if not ok or not found:
        raise ResourceError(
            f"nextcloud: occ does not answer in its container ({last_line(output)}); finish its installation"
        )
    return found


def _setting(container: str, *name: str) -> str | None:
    ok, output = occ(container, "config:system:get", *name)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if ok and lines else None


def mattermost_addresses(container: str) -> Iterator[str]:
    """Where Mattermost says that it is reached, by its environment and by its configuration file."""
    name = "MM_SERVICESETTINGS_SITEURL"
    # Only that line leaves the host; its image may have neither a shell nor cat.
    asked: list[Callable[[], StringCommand]] = [
        lambda: StringCommand(
            "docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}'",
            QuoteString(container),
            f"| sed -n 's/^{name}=//p'",
        ),
        lambda: StringCommand(
            "docker cp",
            QuoteString(f"{container}:/mattermost/config/config.json"),
            """- 2>/dev/null | tar -xO 2>/dev/null | sed -n 's/.*"SiteURL": *"\\([^"]*\\)".*/\\1/p' || true""",
        ),
    ]
    for command in asked:
        ok, output = run_quietly(command())
        if ok and (url := output.strip().splitlines()[-1:]):
            yield url[0].strip().rstrip("/")
