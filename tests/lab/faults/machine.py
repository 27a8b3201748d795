"""Faults of what the deploy puts on the host: package, settings, units, commands."""

from tests.lab.faults.world import INFRASTRUCTURE, Fault, World, files, nothing, on_host

UNITS = "/etc/systemd/system"
SERVICE = "passerelle-gitlab.service"
CURRENT = "/opt/passerelle/current"
LIBRARY = f"$(ls -d {CURRENT}/lib/python3*/site-packages/relays)"
# Followed by the release and what is wrong with it.
ALTERED = "release "
PASSWORD = "/etc/passerelle/nextcloud-app-password"


def _package(kind: str, name: str, command: str, actual: str) -> Fault:
    return Fault("package of the relays", kind, name, on_host(command), "passerelle", "", actual)


def _unit(kind: str, name: str, command: str, what: str, expected: str, actual: str) -> Fault:
    return Fault("unit", kind, name, on_host(f"{command}; systemctl daemon-reload"), what, expected, actual)


def _over_webdav(world: World) -> dict[str, str]:
    password = world.site.nextcloud.app_password
    assert password is not None
    return {"nextcloud__source": "webdav", "nextcloud__relay_password": password.get_secret_value()}


FAULTS = [
    _package("missing", "gone", f"rm -r $(readlink -f {CURRENT})", "release"),
    _package("missing", "no release in use", f"rm {CURRENT}", "release None"),
    _package("altered", "switched away", f"ln -sfn /nowhere {CURRENT}", "release nowhere"),
    _package("altered", "broken off half-way", f"rm {CURRENT}/complete", "release"),
    _package("altered", "a file edited", f"echo '# mine' >> {LIBRARY}/mattermost/message.py", ALTERED),
    _package("altered", "a file removed", f"rm {LIBRARY}/mattermost/message.py", ALTERED),
    _package("owner", "a file given away", f"chown ops {LIBRARY}/mattermost/message.py", ALTERED),
    _package("mode", "a file open to all", f"chmod 666 {LIBRARY}/mattermost/message.py", ALTERED),
    Fault(
        "trial of a new release",
        "altered",
        "never ended",
        on_host("mkdir /opt/passerelle/before"),
        "passerelle",
        "accepted",
        "on trial",
    ),
    *files("settings of a relay", "/etc/passerelle/gitlab.toml", "644"),
    Fault(
        "settings of a relay",
        "altered",
        "other language",
        on_host("sed -i s/fr/en/ /etc/passerelle/gitlab.toml"),
        "/etc/passerelle/gitlab.toml",
        "as described",
        "other content",
    ),
    _unit(
        "missing",
        "path unit gone",
        f"rm {UNITS}/passerelle-nextcloud.path",
        f"{UNITS}/passerelle-nextcloud.path",
        "is there",
        "is missing",
    ),
    _unit(
        "altered",
        "edited",
        f"echo '# mine' >> {UNITS}/{SERVICE}",
        f"{UNITS}/{SERVICE}",
        "as",
        "other content",
    ),
    _unit("disabled", "stopped", f"systemctl stop {SERVICE}", SERVICE, "active", "inactive"),
    _unit(
        "disabled",
        "stopped with its port",
        f"systemctl stop passerelle-gitlab.socket {SERVICE}",
        "passerelle-gitlab.socket",
        "active",
        "inactive",
    ),
    _unit(
        "disabled",
        "stopped with its path",
        "systemctl stop passerelle-nextcloud.path passerelle-nextcloud.service",
        "passerelle-nextcloud.service",
        "active",
        "inactive",
    ),
    _unit(
        "disabled",
        "not started at boot",
        "systemctl disable passerelle-nextcloud.service",
        "passerelle-nextcloud.service",
        "enabled",
        "disabled",
    ),
    _unit(
        "owner",
        "given away",
        f"chown ops {UNITS}/{SERVICE}",
        f"{UNITS}/{SERVICE}",
        "644 root root",
        "644 ops root",
    ),
    _unit(
        "mode",
        "open to all",
        f"chmod 666 {UNITS}/passerelle-gitlab.socket",
        f"{UNITS}/passerelle-gitlab.socket",
        "644 root root",
        "666 root root",
    ),
    Fault(
        "no path unit over WebDAV",
        "altered",
        "there all the same",
        nothing,
        f"{UNITS}/passerelle-nextcloud.path",
        "is not there",
        "is there",
        settings=_over_webdav,
    ),
    Fault(
        "no app password",
        "altered",
        "there all the same",
        on_host(f"echo secret > {PASSWORD}"),
        PASSWORD,
        "is not there",
        "is there",
    ),
    *files("operator command", f"{INFRASTRUCTURE}/scripts/status.sh", "755"),
    Fault(
        "operator command",
        "missing",
        "all gone",
        on_host(f"rm {INFRASTRUCTURE}/scripts/*.sh"),
        f"{INFRASTRUCTURE}/scripts/start-all-services.sh",
        "is there",
        "is missing",
    ),
]
