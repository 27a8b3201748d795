"""Step 4: the relays, installed from what the deploy brings along, as two systemd services."""

from collections.abc import Callable
from functools import partial
from posixpath import basename
from typing import Any

from pydantic import SecretStr
from pyinfra import host

from tasks import spools
from tasks.certificates import certificates
from tasks.context import (
    APP_PASSWORD,
    BOT_TOKEN,
    CA,
    COMMAND_TOKEN,
    HOOK_TOKEN,
    READ_TOKEN,
    SIGNING_TOKEN,
    SPOOL,
    WRITE_TOKEN,
    DeployContext,
    infrastructure,
    site_host,
)
from tasks.documents import Tree
from tasks.machines import mark
from tasks.made import Made, documents_have_buttons, posts_as_bot
from tasks.operations import unit
from tasks.operations.absent import no_paths, no_service, nothing_but
from tasks.operations.compose import Container, running
from tasks.operations.python_app import accepted, python_app, release_digest
from tasks.operations.resource import ResourceError, step
from tasks.operations.secret_file import (
    fingerprint_in_use,
    fingerprints,
    given_secret,
    succeeding_secret,
)
from tasks.operations.text_file import text_files
from tasks.operations.trial import Trial
from tasks.places import PROJECT, cache
from tasks.preflight.check import Needs, check_host
from tasks.relay_settings import bound_at, gitlab_settings, nextcloud_settings
from tasks.site import Site
from tasks.templates import render

REQUIREMENTS = PROJECT / "requirements"
PACKAGE = PROJECT / "relays"
RELAYS = ("gitlab", "nextcloud")
# In the place of the address of a database: what waits is kept in a file of the host's.
FILE = SecretStr("file")
GITLAB_UNITS = ("passerelle-gitlab.socket", "passerelle-gitlab.service")
MOUNT_POINTS = ("/run/passerelle", "/run/passerelle/*", "/run/passerelle.*", "/run/passerelle.*/*")
"""Where systemd binds the trees for the relay; empty on the host itself."""
# Not what GitLab has too: it would be led to other secrets than its hooks have.
TRIAL = Trial(
    "passerelle",
    ("*.toml", *map(basename, (CA, READ_TOKEN, WRITE_TOKEN, SPOOL, APP_PASSWORD))),
    spools.REMEMBER,
    spools.UNDO,
)


def preflight(site: Site) -> None:
    """ResourceError for the first thing for which a deploy would fail half-way on this host."""
    check_host(needs_of(site))


def needs_of(site: Site) -> Needs:
    """What a deploy needs of this host."""
    own = site_host() is host
    further = [each for each in site.relay_hosts if host.name.endswith(f"/{each.address}")]
    return Needs(
        "host" if own else "relays.hosts",
        site.host if own else further[0],
        f"/opt/passerelle/{this_release()}",
        site.relays.port,
        ("passerelle-gitlab.socket", "passerelle-gitlab-next.socket"),
        f"{infrastructure(site)}/scripts" if own else None,
    )


@step("Relays")
def install_relays(site: Site, context: DeployContext, made: Made) -> None:
    """The package under /opt/passerelle, its configuration in /etc/passerelle, its units running."""
    on_disk = site.nextcloud.source == "disk"
    trees = (
        {
            bound_at(site, tree): tree_on_host(site, context.containers, context.infrastructure, tree)
            for tree in site.trees
        }
        if on_disk
        else {}
    )
    password = site.nextcloud.relay_password
    settings = {
        "gitlab": gitlab_settings(site, signs=context.gitlab_signs, relay=context.relay),
        "nextcloud": nextcloud_settings(site, context.relay),
    }

    relays_package()
    text_files(
        {f"/etc/passerelle/{relay}.toml": partial(str, text) for relay, text in settings.items()}
        | trusted(site)
        | mark(),
        trial=TRIAL,
        name="Settings of the relays",
    )
    gitlab_relay(site, settings["gitlab"], context.webhooks_conf, leaves_spool=made.spool)
    if password:
        given_secret(APP_PASSWORD, password, TRIAL, name="App password for Nextcloud")
    waiting = (
        {"passerelle-nextcloud.path": render("passerelle-nextcloud.path", trees=trees)} if on_disk else {}
    )
    # Those of the commands sign the buttons of documents.
    command_tokens = command_token(site) if documents_have_buttons(site) else []
    units = [*GITLAB_UNITS, "passerelle-nextcloud.service", *waiting]
    unit.no_other_units("passerelle-", units, name="No other units")
    unit.service(
        "passerelle-nextcloud",
        {
            "passerelle-nextcloud.service": render(
                "passerelle-nextcloud.service",
                webhooks_conf=context.webhooks_conf,
                trees=trees,
                bot_token=next(iter(bot_token(site)), None),
                command_token=next(iter(command_tokens), None),
                documents=documents_have_buttons(site),
                app_password=APP_PASSWORD if password else None,
            ),
            **waiting,
        },
        lambda: [
            this_release(),
            settings["nextcloud"],
            *(text() for text in trusted(site).values()),
            *fingerprints(
                [
                    *(context.webhooks_conf, *bot_token(site), *command_tokens),
                    *([APP_PASSWORD] if password else []),
                ]
            ),
        ],
        TRIAL,
        name="Service of the nextcloud relay",
    )
    nothing_further(site)
    accepted("passerelle", name="New release of the relays")


def bot_token(site: Site) -> list[str]:
    """The file with the bot's token, where a bot posts."""
    return [BOT_TOKEN] if posts_as_bot(site) else []


def command_token(site: Site) -> list[str]:
    """The file with the tokens of the slash commands, where there are some."""
    return [COMMAND_TOKEN] if site.mattermost.commands else []


def relays_package() -> None:
    """The package of the relays under /opt/passerelle, on trial until it is accepted."""
    python_app(
        "passerelle",
        PACKAGE,
        REQUIREMENTS,
        cache(),
        spools.look,
        TRIAL,
        name="Package of the relays",
    )


def socket_unit(port: int, *, is_next: bool = False) -> str:
    """The unit that holds the port of the GitLab relay, or the one beside it for the next port."""
    return render("passerelle-gitlab.socket", port=port, is_next=is_next)


def trusted(site: Site) -> dict[str, Callable[[], str]]:
    """The file of certificates that the relays trust beside known ones, where the site has some."""
    return {CA: partial(certificates, site.host.ca)} if site.host.ca else {}


def nothing_further(site: Site) -> None:
    """Have none of the files that the site has no use for; after the services, which would not start without them."""
    in_use = {
        READ_TOKEN: site.gitlab.read_token,
        WRITE_TOKEN: site.gitlab.write_token,
        APP_PASSWORD: site.nextcloud.relay_password,
        BOT_TOKEN: posts_as_bot(site),
        COMMAND_TOKEN: site.mattermost.commands,
        CA: site.host.ca,
    }
    no_paths([path for path, use in in_use.items() if not use], name="No further secrets and certificates")


def this_release() -> str:
    """The name of the release that this deploy brings."""
    return release_digest(PACKAGE, REQUIREMENTS / "relays.txt")


def gitlab_relay(
    site: Site, settings: str, webhooks_conf: str, *, leaves_spool: bool = False, **options: Any
) -> None:
    """The service of the GitLab relay, with what it is handed; `settings` is the text of its file.

    `leaves_spool`: what waits may still be in a shared spool, which the site does not want any more. `options` are
    pyinfra's own arguments for the operation that restarts it.
    """
    read_token, write_token = site.gitlab.read_token, site.gitlab.write_token
    spool = site.relays.spool or (FILE if leaves_spool else None)
    if read_token:
        given_secret(READ_TOKEN, read_token, TRIAL, name="Token for GitLab's log of deliveries")
    if write_token:
        given_secret(WRITE_TOKEN, write_token, TRIAL, name="Token to act in GitLab with")
    if spool:
        succeeding_secret(SPOOL, spool, TRIAL, name="Shared spool")
    secrets = [
        webhooks_conf,
        HOOK_TOKEN,
        SIGNING_TOKEN,
        *bot_token(site),
        *command_token(site),
        *([READ_TOKEN] if read_token else []),
        *([WRITE_TOKEN] if write_token else []),
    ]
    unit.service(
        "passerelle-gitlab",
        {
            "passerelle-gitlab.socket": socket_unit(site.relays.port),
            "passerelle-gitlab.service": render(
                "passerelle-gitlab.service",
                webhooks_conf=webhooks_conf,
                bot_token=next(iter(bot_token(site)), None),
                command_token=next(iter(command_token(site)), None),
                read_token=READ_TOKEN if read_token else None,
                write_token=WRITE_TOKEN if write_token else None,
                spool=SPOOL if spool else None,
                documents=documents_have_buttons(site),
            ),
        },
        lambda: [
            this_release(),
            settings,
            *(text() for text in trusted(site).values()),
            *fingerprints(secrets),
            # A former address that is gone is no reason to start again.
            *([fingerprint_in_use(SPOOL)] if spool else []),
        ],
        TRIAL,
        name="Service of the gitlab relay",
        **options,
    )


def tree_on_host(site: Site, found: list[Container], infrastructure: str, tree: Tree) -> str:
    """Where a tree lies on the host, of all containers there; ResourceError without Nextcloud's, or a volume of it."""
    wanted = site.nextcloud
    inside = f"{wanted.data_directory.rstrip('/')}/{tree.owner}/files/{tree.tree}"
    project = site.host.compose_project
    outside = running(found, infrastructure, wanted.service, "nextcloud", project).host_path(inside)
    if outside is None:
        raise ResourceError(
            f"nextcloud: {wanted.data_directory} of the service {wanted.service} is on no volume, so the host does "
            "not see its files; put it on a volume, or correct nextcloud.data_directory"
        )
    return outside


@step("Relays")
def stop_relays() -> None:
    """No services of the relays."""
    for relay, triggers in (("gitlab", ["socket"]), ("nextcloud", ["path"])):
        units = [f"passerelle-{relay}.{kind}" for kind in (*triggers, "service")]
        no_service(units, name=f"Service of the {relay} relay")


@step("Relays")
def remove_relays() -> None:
    """The package, the settings, the secrets and what the relays have stored."""
    # Where systemd keeps the state of a service with a user of its own.
    state = [f"/var/lib/{folder}passerelle-{relay}" for relay in RELAYS for folder in ("", "private/")]
    places = ["/opt/passerelle", "/etc/passerelle", *state]
    no_paths(places, name="Package, settings and storage of the relays")
    nothing_but(MOUNT_POINTS, (), name="Mount points of the trees")
