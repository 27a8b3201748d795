"""What setup finds on the host by itself: the Compose project, the three applications, their addresses."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import SecretStr
from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from tasks.operations.api import Api
from tasks.operations.compose import ALL_IN_ONE, ComposeContainers, Container, DockerError, read
from tasks.operations.engine import SNAP_REFUSED
from tasks.operations.nextcloud import account_api
from tasks.operations.remote import last_line, run_quietly
from tasks.operations.resource import ResourceError
from tasks.operations.tunnel import host_transport
from tasks.tokens.nextcloud import occ

APPLICATIONS = ("gitlab", "nextcloud", "mattermost")
_NAMES = {"gitlab": "GitLab", "nextcloud": "Nextcloud"}
_NEEDED = set(_NAMES)
WITHOUT_PROJECT = "/srv/passerelle"
"""Where the operators' commands go on a host that has none of the applications."""
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

    def number(self, application: str) -> str | None:
        """Docker's for the container of an application, None of one that is elsewhere."""
        chosen = self.containers.get(application)
        return chosen.id if chosen else None

    def without(self, applications: Collection[str]) -> "Found":
        """The same project, whose containers of these applications are not the site's."""
        kept = {what: each for what, each in self.containers.items() if what not in applications}
        return replace(self, containers=kept)

    @property
    def services(self) -> str:
        """For people."""
        return ", ".join(
            what if what == each.service else f"{each.service} ({what})"
            for what, each in self.containers.items()
        )


def projects(elsewhere: Collection[str] = ()) -> list[Found]:
    """The Compose projects of the host that have a GitLab and a Nextcloud; ResourceError if there is none.

    What may be `elsewhere` of the two is not missed if no project has both; if both may be, Docker is not either.
    """
    try:
        containers = read(host.get_fact(ComposeContainers, directory="/"), "/")
    except DockerError as error:
        if not set(elsewhere) >= _NEEDED or error.reason != "missing":
            raise
        containers = []
    return among(containers, elsewhere)


def among(containers: list[Container], elsewhere: Collection[str] = ()) -> list[Found]:
    """The same, of all the containers that Compose has made."""
    found = list(_with(_NEEDED, containers)) or list(_with(_NEEDED - set(elsewhere), containers))
    if not found and set(elsewhere) >= _NEEDED:
        return [Found("", WITHOUT_PROJECT, alone=True)]
    if not found and any(each.state == "snap" for each in containers):
        raise ResourceError(SNAP_REFUSED)
    if not found:
        wanted = " and a ".join(_NAMES[what] for what in sorted(_NEEDED - set(elsewhere)))
        known = ", ".join(sorted({each.project.name for each in containers})) or "none at all"
        raise ResourceError(
            f"host: no Compose project on the host has a {wanted} that run{'' if ' and ' in wanted else 's'} (there "
            f"are: {known}); start it (docker compose up -d), give the address and the token or password of what is "
            "elsewhere (--gitlab-url, --nextcloud-url), or write the settings by hand"
        )
    return found


def _with(needed: set[str], containers: list[Container]) -> Iterator[Found]:
    """The projects that have these applications, if any are named; Nextcloud All-in-One is of each, and of none."""
    folders = {each.project.name: each.project.folder for each in containers if each.project.name}
    lone = [each for each in containers if each.service == ALL_IN_ONE]
    if lone and "gitlab" not in needed:
        folders.setdefault("", WITHOUT_PROJECT)
    for name, folder in sorted(folders.items()):
        own = [each for each in containers if each.project.name == name and name] or lone
        if not any(_application("nextcloud", [each]) for each in own):
            own = [*own, *lone]
        chosen = {what: each for what in APPLICATIONS if (each := _application(what, own))}
        if needed <= set(chosen) and (needed or chosen):
            alone = list(folders.values()).count(folder) == 1
            yield Found(name, folder, alone, chosen)


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
    """Questions to the applications through the SSH connection, before there are settings.

    `proxies` are the HTTP proxies by which the host reaches them, each by the application.
    """

    def __init__(self, ca: Path | None, proxies: Mapping[str, str | None] | None = None) -> None:
        self._ca, self._proxies = ca, proxies or {}

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
            proxy=self._proxies.get(application),
        )

    def nextcloud(self, url: str, user: str, password: SecretStr) -> Api:
        """Nextcloud at that address, with an app password of that account."""
        return account_api(
            url,
            user,
            password,
            transport=lambda: host_transport(host),
            ca=self._ca,
            proxy=self._proxies.get("nextcloud"),
        )

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
