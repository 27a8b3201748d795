"""Links at Nextcloud: the server, the tree on its volume, and the kernel's limits for watching it."""

from urllib.parse import urlsplit

from tasks.context import nextcloud_api
from tasks.doctor import machine
from tasks.doctor.chain import Broken, Links, broken, on_disk
from tasks.doctor.look import Look
from tasks.doctor.mattermost import decode
from tasks.operations.api import ApiError
from tasks.operations.nextcloud import MODE
from tasks.references import check_account

links = Links()
machine.way_to("nextcloud", links, "docker.services")

# What status.php answers when it is called by a name that is none of its trusted_domains.
_UNTRUSTED = 15
# File systems on which the kernel of this host does not hear what others write.
_REMOTE = ("nfs", "cifs", "smb", "fuse", "9p", "ceph", "gluster", "afs", "lustre")
# Each relay has a user of its own and one instance; a queue that is too short overflows at every copy of a folder.
_LEAST_INSTANCES, _LEAST_QUEUE = 8, 1024


@links.add("nextcloud.status", "nextcloud.port")
def status(look: Look) -> Broken | None:
    """Nextcloud is installed and open."""
    if found := machine.passed_on("nextcloud", look):
        return found
    page = decode(look.host["web"]["nextcloud"]["body"])
    if page.get("code") == _UNTRUSTED:
        return broken(
            "nextcloud.untrusted",
            url=look.site.nextcloud.url,
            name=urlsplit(look.site.nextcloud.url).netloc,
            service=look.site.nextcloud.service,
            **look.compose,
        )
    if "installed" not in page:
        return broken("nextcloud.stranger", url=look.site.nextcloud.url)
    if not page["installed"]:
        return broken("nextcloud.not-installed", url=look.site.nextcloud.url)
    if page.get("maintenance"):
        return broken("nextcloud.maintenance", service=look.site.nextcloud.service, **look.compose)
    return None


@links.add("nextcloud.account", "nextcloud.status", "ssh.forwarding")
def account(look: Look) -> Broken | None:
    """The relay's app password is that of the admin."""
    wanted = look.site.nextcloud
    if wanted.relay_password is None:
        return None
    try:
        check_account(nextcloud_api(look.site, wanted.relay_password), wanted.admin)
    except ApiError as error:
        if error.status == 401:
            return broken("nextcloud.account", url=wanted.url, admin=wanted.admin)
        raise
    return None


@links.add("nextcloud.volume", "docker.services")
@on_disk
def volume(look: Look) -> Broken | None:
    """The data lie on a volume that the host sees, on a disk of its own."""
    if look.tree is None:
        return broken("nextcloud.no-volume", directory=look.site.nextcloud.data_directory)
    found = look.host["tree"].get("type", "")
    return broken("nextcloud.remote", type=found, tree=look.tree) if found.startswith(_REMOTE) else None


@links.add("nextcloud.tree", "nextcloud.volume")
@on_disk
def tree(look: Look) -> Broken | None:
    """The tree is there with its folders."""
    found = look.host["tree"]
    if not found["files"]:
        return broken(
            "nextcloud.no-files", user=look.site.nextcloud.admin, directory=look.site.nextcloud.data_directory
        )
    if not found["there"]:
        return broken("nextcloud.tree-missing", tree=look.site.nextcloud.tree)
    for name in look.site.nextcloud.folders:
        if look.host["tree"]["access"].get(name) is None:
            return broken("nextcloud.folder-missing", folder=f"{look.site.nextcloud.tree}/{name}")
    return None


@links.add("nextcloud.access", "nextcloud.tree")
@on_disk
def access(look: Look) -> Broken | None:
    """The web server, who owns the files beside the tree, may write into each folder."""
    found = look.host["tree"]
    for name, (mode, owner) in found["access"].items():
        if owner != found["owner"] or mode != MODE:
            folder = f"{look.site.nextcloud.tree}/{name}".rstrip("/")
            values = {"mode": mode, "owner": owner, "wanted": f"{MODE}, uid {found['owner']}"}
            return broken("nextcloud.access", folder=folder, **values)
    return None


@links.add("host.inotify", "nextcloud.tree")
@on_disk
def inotify(look: Look) -> Broken | None:
    """The kernel lets every folder be watched."""
    limits, folders = look.host["limits"], look.host["tree"]["directories"]
    for name, least in (
        ("max_user_watches", folders + 1),
        ("max_user_instances", _LEAST_INSTANCES),
        ("max_queued_events", _LEAST_QUEUE),
    ):
        if limits.get(name, least) < least:
            return broken("host.inotify", limit=f"fs.inotify.{name}", value=limits[name], least=least)
    return None
