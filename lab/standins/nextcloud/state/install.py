"""First start: what the official image's entrypoint does with NEXTCLOUD_ADMIN_USER and _PASSWORD."""

import secrets
import string

from lab.standins.nextcloud.state import store, users
from lab.standins.nextcloud.state.instance import VERSION, Instance


def install(instance: Instance, admin: str, password: str) -> None:
    """Create data/ (0770), config/config.php (0640), the database and the administrator with an empty home.

    Modes are as measured on Nextcloud 32.0.1.

    Raises:
        users.LoginRefused: the administrator's folder already exists. The site then stays uninstalled, as
            measured.
    """
    instance.data.mkdir(exist_ok=True)
    instance.data.chmod(0o770)
    letters = string.ascii_lowercase + string.digits
    settings: dict[str, str | bool | int] = {
        "instanceid": "oc" + "".join(secrets.choice(letters) for _ in range(10)),
        "datadirectory": str(instance.data),
        "dbtype": "sqlite3",
        "version": VERSION,
    }
    instance.save(settings)
    (instance.data / ".ncdata").write_text("# Nextcloud data directory\n")
    store.create(instance)
    users.create(instance, admin, password)
    users.make_files(instance, admin)
    instance.save({**settings, "installed": True})
