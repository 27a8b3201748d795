"""Faults of the watched tree in Nextcloud."""

from tests.lab.faults.world import TREE, Fault, on_host

ACCESS = "755|www-data|www-data"

FAULTS = [
    Fault(
        "Nextcloud folder",
        "missing",
        "removed",
        on_host(f"rm -r {TREE}/Conges"),
        "folder Documents_RH/Conges of admin",
        "is there",
        "is missing",
    ),
    *[
        Fault(
            "Nextcloud folder",
            "missing",
            f"the tree {name}",
            on_host(command),
            "folder Documents_RH of admin",
            "is there",
            "is missing",
            undo=on_host(f"rm -rf {TREE}_old"),
        )
        for name, command in (("removed", f"rm -r {TREE}"), ("renamed", f"mv {TREE} {TREE}_old"))
    ],
    Fault(
        "Nextcloud folder",
        "altered",
        "made anew beside Nextcloud",
        # The old one stays a moment, or the new one would get its inode.
        on_host(f"cd {TREE} && mv Conges Old && cp -a Old Conges && rm -r Old"),
        "Documents_RH",
        "registered with occ files:scan",
        "not registered",
    ),
    Fault(
        "Nextcloud folder",
        "owner",
        "given to root",
        on_host(f"chown root:root {TREE}/Contrats"),
        "folder Documents_RH/Contrats",
        ACCESS,
        "755|root|root",
    ),
    Fault(
        "Nextcloud folder",
        "mode",
        "closed",
        on_host(f"chmod 700 {TREE}/Contrats"),
        "folder Documents_RH/Contrats",
        ACCESS,
        "700|www-data|www-data",
    ),
]
