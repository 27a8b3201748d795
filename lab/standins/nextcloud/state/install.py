"""First start: what the official image's entrypoint does with NEXTCLOUD_ADMIN_USER and _PASSWORD."""

import secrets
import string

from lab.standins.nextcloud.state import accounts, database
from lab.standins.nextcloud.state.site import VERSION, Site


def install(site: Site, admin: str, password: str) -> None:
    """Create data/ (0770), config/config.php (0640), the database and the administrator with an empty home.

    Modes are as measured on Nextcloud 32.0.1.

    Raises:
        accounts.LoginRefused: the administrator's folder already exists. The site then stays uninstalled, as
            measured.
    """
    site.data.mkdir(exist_ok=True)
    site.data.chmod(0o770)
    letters = string.ascii_lowercase + string.digits
    settings: dict[str, str | bool | int] = {
        "instanceid": "oc" + "".join(secrets.choice(letters) for _ in range(10)),
        "datadirectory": str(site.data),
        "dbtype": "sqlite3",
        "version": VERSION,
    }
    site.save(settings)
    (site.data / ".ncdata").write_text("# Nextcloud data directory\n")
    database.create(site)
    accounts.create(site, admin, password)
    accounts.make_files(site, admin)
    site.save({**settings, "installed": True})
