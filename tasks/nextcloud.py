"""Step 2: the watched trees in Nextcloud."""

from tasks.context import DeployContext, nextcloud_api
from tasks.operations.compose import running
from tasks.operations.nextcloud import folder_tree
from tasks.operations.nextcloud_dav import dav_folder_tree
from tasks.operations.resource import each, step
from tasks.site import Site


@step("Nextcloud")
def provision_nextcloud(site: Site, context: DeployContext) -> None:
    """Each tree and its folders in the files of its owner: on the disk, registered with occ, or else over WebDAV."""
    password = site.nextcloud.relay_password
    if site.nextcloud.source == "webdav" and password is not None:
        api = nextcloud_api(site, password)
        for tree in each(site.trees):
            dav_folder_tree(
                api, site.nextcloud.admin, tree.tree, tree.folders, name=f"Folders of {tree.tree}"
            )
        return
    service, project = site.nextcloud.service, site.host.compose_project
    container = running(context.containers, context.infrastructure, service, "nextcloud", project).id
    for tree in each(site.trees):
        folder_tree(
            container,
            site.nextcloud.data_directory,
            tree.owner,
            tree.tree,
            tree.folders,
            name=f"Folders of {tree.tree}",
        )
