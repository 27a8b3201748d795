"""Step 2: the HR tree in Nextcloud."""

from tasks.operations.nextcloud import folder_tree
from tasks.operations.resource import step
from tasks.place import Place
from tasks.site import Site


@step("Nextcloud")
def provision_nextcloud(site: Site, place: Place) -> None:
    """The tree and its folders in the admin's files, owned by the web server, registered with occ."""
    wanted = site.nextcloud
    folder_tree(
        place.infrastructure,
        wanted.service,
        wanted.data_directory,
        wanted.admin,
        wanted.tree,
        wanted.folders,
        name=f"Folders of {wanted.tree}",
    )
