"""Step 4: the relays, installed from what the deploy brings along, as two systemd services."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand

from tasks.certificates import certificates
from tasks.documents import Tree
from tasks.machines import mark
from tasks.operations import unit
from tasks.operations.absent import Present, no_paths, no_service
from tasks.operations.compose import running_container
from tasks.operations.python_app import accepted, python_app, release_digest, roll_back
from tasks.operations.remote import run_quietly
from tasks.operations.resource import Commands, ResourceError, change, resource, step
from tasks.operations.secret_file import fingerprint, given_secret, no_secret
from tasks.operations.text_file import text_files
from tasks.place import APP_PASSWORD, CA, HOOK_NAME, HOOK_TOKEN, READ_TOKEN, SIGNING_TOKEN, SPOOL, Place
from tasks.site import Site
from tasks.templates import render

PROJECT = Path(__file__).parent.parent
REQUIREMENTS = PROJECT / "requirements"
RELAYS = ("gitlab", "nextcloud")


@step("Relays")
def install_relays(site: Site, place: Place) -> None:
    """The package under /opt/passerelle, its configuration in /etc/passerelle, its units running."""
    on_disk = site.nextcloud.source == "disk"
    trees = (
        {bound_at(site, tree): tree_on_host(site, place.infrastructure, tree) for tree in site.trees}
        if on_disk
        else {}
    )
    password = site.nextcloud.relay_password
    settings = {
        "gitlab": gitlab_settings(site, signs=place.gitlab_signs),
        "nextcloud": nextcloud_settings(site),
    }

    relays_package()
    text_files(
        {f"/etc/passerelle/{relay}.toml": partial(str, text) for relay, text in settings.items()}
        | trusted(site)
        | mark(),
        name="Settings of the relays",
    )
    gitlab_relay(site, settings["gitlab"], place.webhooks_conf)
    if password:
        given_secret(APP_PASSWORD, password, name="App password for Nextcloud")
    waiting = (
        {"passerelle-nextcloud.path": render("passerelle-nextcloud.path", trees=trees)} if on_disk else {}
    )
    if not on_disk:
        unit.no_unit("passerelle-nextcloud.path", name="No waiting for trees on the disk")
    unit.service(
        "passerelle-nextcloud",
        {
            "passerelle-nextcloud.service": render(
                "passerelle-nextcloud.service",
                webhooks_conf=place.webhooks_conf,
                trees=trees,
                app_password=APP_PASSWORD if password else None,
            ),
            **waiting,
        },
        lambda: [
            _release(),
            settings["nextcloud"],
            *(text() for text in trusted(site).values()),
            *map(fingerprint, [place.webhooks_conf, *([APP_PASSWORD] if password else [])]),
        ],
        roll_back("passerelle"),
        name="Service of the nextcloud relay",
    )
    if not password:
        no_secret(APP_PASSWORD, name="No app password for Nextcloud")
    no_further_certificates(site)
    accepted("passerelle", name="New release of the relays")


def relays_package() -> None:
    """The package of the relays under /opt/passerelle, on trial until it is accepted."""
    python_app("passerelle", PROJECT, "relays", REQUIREMENTS, name="Package of the relays")


def trusted(site: Site) -> dict[str, Callable[[], str]]:
    """The file of certificates that the relays trust beside known ones, where the site has some."""
    return {CA: partial(certificates, site.host.ca)} if site.host.ca else {}


def no_further_certificates(site: Site) -> None:
    """Have no such file where the site has none; after the services, which may have started with one."""
    if not site.host.ca:
        no_paths([CA], name="No further certificates")


def _release() -> str:
    return release_digest(PROJECT, "relays", REQUIREMENTS / "relays.txt")


def gitlab_relay(site: Site, settings: str, webhooks_conf: str, **options: Any) -> None:
    """The service of the GitLab relay, with what it is handed; `settings` is the text of its file.

    `options` are pyinfra's own arguments for the operation that restarts it.
    """
    given = {
        READ_TOKEN: (site.gitlab.read_token, "token for GitLab's log of deliveries"),
        SPOOL: (site.relays.spool, "shared spool"),
    }
    for path, (secret, what) in given.items():
        if secret:
            given_secret(path, secret, name=f"{what[0].upper()}{what[1:]}")
    secrets = [
        *(webhooks_conf, HOOK_TOKEN, SIGNING_TOKEN),
        *(path for path, (secret, _) in given.items() if secret),
    ]
    unit.service(
        "passerelle-gitlab",
        {
            "passerelle-gitlab.socket": render("passerelle-gitlab.socket", port=site.relays.port),
            "passerelle-gitlab.service": render(
                "passerelle-gitlab.service",
                webhooks_conf=webhooks_conf,
                read_token=READ_TOKEN if site.gitlab.read_token else None,
                spool=SPOOL if site.relays.spool else None,
            ),
        },
        lambda: [
            _release(),
            settings,
            *(text() for text in trusted(site).values()),
            *map(fingerprint, secrets),
        ],
        roll_back("passerelle"),
        name="Service of the gitlab relay",
        **options,
    )
    # After the service, which would not start without a credential that its unit names.
    for path, (secret, what) in given.items():
        if not secret:
            no_secret(path, name=f"No {what}")


def gitlab_settings(site: Site, *, signs: bool) -> str:
    """The settings file of the GitLab relay; `signs`: GitLab signs what it sends."""
    return render(
        "gitlab.toml",
        language=site.relays.language,
        digest_from=site.relays.digest_from,
        channel=site.mattermost.gitlab_webhook.channel,
        signature="required" if signs else "accepted",
        ca=next(iter(trusted(site)), None),
        gitlab=site.gitlab,
        projects=site.projects,
        hook=HOOK_NAME,
        mute=asdict(site.gitlab.mute),
        routes=[route.model_dump(exclude_unset=True) for route in site.gitlab.routes],
    )


def nextcloud_settings(site: Site) -> str:
    """The settings file of the Nextcloud relay."""
    return render(
        "nextcloud.toml",
        language=site.relays.language,
        digest_from=site.relays.digest_from,
        channel=site.mattermost.nextcloud_webhook.channel,
        ca=next(iter(trusted(site)), None),
        nextcloud=site.nextcloud,
        trees=[
            {"tree": bound_at(site, tree), "in_files": _in_files(site, tree)}
            | tree.model_dump(exclude={"tree", "folders", "owner"})
            for tree in site.trees
        ],
    )


def _in_files(site: Site, tree: Tree) -> str:
    """Where the account that the relay asks as has a tree, empty if nowhere."""
    asked = site.nextcloud.relay_password and tree.owner == site.nextcloud.admin
    return f"/{tree.tree}" if asked else ""


def bound_at(site: Site, tree: Tree) -> str:
    """Where the relay sees a tree; its name is the last part, which messages show."""
    if site.nextcloud.source == "webdav":
        return f"/{tree.tree}"
    # Of another user's there may be one of the same name.
    of = "" if tree.owner == site.nextcloud.admin else f".{tree.owner}"
    return f"/run/passerelle{of}/{tree.tree}"


def tree_on_host(site: Site, infrastructure: str, tree: Tree) -> str:
    """Where a tree lies on the host; ResourceError if Nextcloud does not run or its data are on no volume."""
    wanted = site.nextcloud
    inside = f"{wanted.data_directory.rstrip('/')}/{tree.owner}/files/{tree.tree}"
    project = site.host.compose_project
    outside = running_container(infrastructure, wanted.service, "nextcloud", project).host_path(inside)
    if outside is None:
        raise ResourceError(
            f"nextcloud: {wanted.data_directory} of the service {wanted.service} is on no volume, so the host does "
            "not see its files; put it on a volume, or correct nextcloud.data_directory"
        )
    return outside


@step("Relays")
def remove_relays() -> None:
    """The services, the package, the settings, the secrets and what the relays have stored, shared or not."""
    for relay, triggers in (("gitlab", ["socket"]), ("nextcloud", ["path"])):
        units = [f"passerelle-{relay}.{kind}" for kind in (*triggers, "service")]
        no_service(units, name=f"Service of the {relay} relay")
    _no_shared_spool(name="Shared spool")
    # Where systemd keeps the state of a service with a user of its own.
    state = [f"/var/lib/{folder}passerelle-{relay}" for relay in RELAYS for folder in ("", "private/")]
    places = ["/opt/passerelle", "/etc/passerelle", "/var/lib/passerelle", "/run/passerelle", *state]
    no_paths(places, name="Package, settings and storage of the relays")


@resource
def _no_shared_spool() -> Commands:
    """Have none of the relays' tables in the database that they share; the first host of a site takes them away."""
    python = "/opt/passerelle/current/bin/python"
    forget = f"{python} -I -m relays.gitlab.forget --credentials /etc/passerelle"
    # A teardown that was broken off after this may have left one of them.
    if len(host.get_fact(Present, paths=[SPOOL, python])) == 2:
        tables = _told(f"{forget} --dry")
        yield from change([f"- table {table}" for table in tables], lambda: _told(forget))


def _told(command: str) -> list[str]:
    ok, output = run_quietly(StringCommand(command))
    if not ok:
        raise ResourceError(
            f"relays.spool: its tables cannot be removed ({' '.join(output.split())}); mend that, or remove {SPOOL} "
            "from the host to leave them where they are"
        )
    return output.split()
