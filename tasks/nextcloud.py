"""Step 2: the watched trees in Nextcloud."""

from tasks.context import DeployContext
from tasks.operations.nextcloud import folder_tree
from tasks.operations.resource import each, step
from tasks.site import Site


@step("Nextcloud")
def provision_nextcloud(site: Site, context: DeployContext) -> None:
    """Each tree and its folders in the files of its owner, owned by the web server, registered with occ.

    Where the files are not on the disk, the trees are for their owners to make.
    """
    if site.nextcloud.source != "disk":
        return
    for tree in each(site.trees):
        folder_tree(
            context.infrastructure,
            site.nextcloud.service,
            site.nextcloud.data_directory,
            tree.owner,
            tree.tree,
            tree.folders,
            site.host.compose_project,
            name=f"Folders of {tree.tree}",
        )
