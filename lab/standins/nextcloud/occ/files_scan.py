"""`occ files:scan`: text and exit codes as measured on Nextcloud 32.0.1.

Its exit code proves nothing: a path that does not exist, an unknown user or a folder that cannot be read end
with 0, as on the real server. The table is what counts.
"""

import os
import pwd
import time
from collections.abc import Sequence

from lab.standins.nextcloud.occ import console
from lab.standins.nextcloud.state import filecache, scan, users
from lab.standins.nextcloud.state.instance import Instance

_SYNOPSIS = (
    "[--output [OUTPUT]] [-p|--path PATH] [--generate-metadata [GENERATE-METADATA]] [--all] [--unscanned] "
    "[--shallow] [--home-only] [--] [<user_id>...]"
)


def files_scan(instance: Instance, arguments: Sequence[str]) -> int:
    """Scan one path, some users or all."""
    parser = console.Parser("files:scan", _SYNOPSIS)
    parser.add_argument("--output", nargs="?")  # without effect (measured)
    parser.add_argument("--generate-metadata", nargs="?")  # no event, nothing on disk
    parser.add_argument("-p", "--path")
    parser.add_argument("user_id", nargs="*")
    for flag in ("--all", "--unscanned", "--shallow", "--home-only"):
        parser.add_argument(flag, action="store_true")
    options = parser.parse(arguments)

    known = users.names(instance)
    path = "/" + options.path.strip("/") if options.path else ""
    everyone = list(known) if options.all else options.user_id
    uids = [path.split("/")[1]] if path else everyone
    if not uids:
        print("Please specify the user id to scan, --all to scan for all users or --path=...")
        return 1

    started, counts = time.monotonic(), scan.Counts()
    for number, user in enumerate(uids, 1):
        if user in known:
            print(f"Starting scan for user {number} out of {len(uids)} ({user})")
            _scan_user(
                instance,
                user,
                path or f"/{user}",
                counts,
                verbose=options.verbose,
                recursive=not options.shallow,
            )
        else:
            print(f"Unknown user {number} {user}")
        if options.verbose:
            print()
    print(_summary(counts, time.monotonic() - started))
    return 0


def _scan_user(
    instance: Instance, user: str, path: str, counts: scan.Counts, *, verbose: bool, recursive: bool
) -> None:
    home = instance.data / user
    relative = path.removeprefix(f"/{user}").strip("/")
    for folder in (home, home / "files"):
        if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
            status = folder.stat()
            print(f"Home storage for user {user} not writable or 'files' subdirectory missing")
            print(
                f"  User folder {folder} is not writable, folders is owned by "
                f"{pwd.getpwuid(status.st_uid).pw_name} and has mode {status.st_mode:o}"
            )
            print("Make sure you're running the scan command only as the user the web server runs as")
            counts.errors += 1
            return
    if not (home / "files").is_dir():
        return  # nobody has logged in with this account yet
    if not (home / relative).exists():
        print(f"Path not found: {path}")
        counts.errors += 1
        return

    def seen(kind: str, scanned: str) -> None:
        if verbose:
            print(f"\t{kind}\t/{user}/{scanned}")

    with filecache.opened(instance, user) as cache:
        try:
            scan.scan(cache, home, relative, counts, recursive=recursive, seen=seen)
        except scan.ListingFailed as error:
            # Two errors: PHP's warning, always shown, and the exception, shown with -v (measured: Errors 2).
            print(f"Error during scan: opendir({error}): Failed to open directory: Permission denied")
            if verbose:
                print("Error while scanning, storage not available (Directory listing failed)")
            counts.errors += 2


def _summary(counts: scan.Counts, seconds: float) -> str:
    whole = round(seconds)
    elapsed = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    values = (counts.folders, counts.files, 0, counts.updated, counts.removed, counts.errors, elapsed)
    headers = ("Folders", "Files", "New", "Updated", "Removed", "Errors", "Elapsed time")
    return console.table(headers, [str(value) for value in values])
