"""What is not heard is found all the same: a watch that fails, that is incomplete or that ends."""

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink
from tests.relays.test_nextcloud import end, start, upload
from tests.relays.test_nextcloud_traces import announced

# A user namespace has limits of its own, which can be lowered without a privilege.
LIMITED = ("unshare", "--user", "--map-root-user", "sh", "-c")
LIMITS = "/proc/sys/user/max_inotify_"
REMEDY = "sysctl fs.inotify.max_user_watches and fs.inotify.max_user_instances"


def can_limit() -> bool:
    command = [*LIMITED, f"echo 9 > {LIMITS}watches"]
    return (
        shutil.which("unshare") is not None and subprocess.run(command, capture_output=True).returncode == 0
    )


def is_watched(folder: Path, relay: Relay) -> bool:
    """Whether the kernel watches a folder for the relay."""
    inode = f" ino:{folder.stat().st_ino:x} "
    for descriptor in Path(f"/proc/{relay.pid}/fdinfo").iterdir():
        with suppress(FileNotFoundError):  # others come and go meanwhile
            if inode in descriptor.read_text():
                return True
    return False


@pytest.mark.skipif(not can_limit(), reason="no user namespaces here")
@pytest.mark.parametrize(("limit", "value"), [("watches", 0), ("watches", 2), ("instances", 0)])
def test_beyond_a_limit_it_scans_and_says_what_to_raise(
    nextcloud: Relay, tree: Path, sink: Sink, limit: str, value: int
) -> None:
    nextcloud.start(through=[*LIMITED, f'echo {value} > {LIMITS}{limit} && exec "$@"', "sh"])
    wait_for(lambda: "watching tree" in nextcloud.text)
    wait_for(lambda: REMEDY in nextcloud.text)
    for folder in ("Conges", "Contrats", "Fiches_Paie"):
        upload(tree / folder / "new.pdf")
    wait_for(lambda: len(announced(nextcloud, sink)) == 3)
    assert sorted(announced(nextcloud, sink)) == ["Conges/new.pdf", "Contrats/new.pdf", "Fiches_Paie/new.pdf"]
    assert any(
        "faute de fs.inotify.max_user_watches ou max_user_instances" in status
        for status in nextcloud.notified
    )
    # Said once, not at every scan.
    assert nextcloud.text.count(REMEDY) == 1


def test_a_watch_that_ends_is_started_anew(nextcloud: Relay, tree: Path, sink: Sink, tmp_path: Path) -> None:
    start(nextcloud)
    # What ends the reader of watchdog 7.1: a folder is deleted twice through the trash, which is emptied then. If it
    # is quicker than that, it lives on, as is seen from its next folder, and is given another chance to die.
    for attempt in range(20):
        lot = tree / f"Lot {attempt}"
        for number in range(2):
            lot.mkdir()
            wait_for(lambda lot=lot: is_watched(lot, nextcloud))  # type: ignore[misc]
            lot.rename(tmp_path / f"trash-{number}")
        for number in (1, 0):
            (tmp_path / f"trash-{number}").rmdir()
        lot.mkdir()
        wait_for(lambda lot=lot: is_watched(lot, nextcloud))  # type: ignore[misc]
        if "watching anew" in nextcloud.text:
            break
    assert "watching anew" in nextcloud.text
    upload(tree / "Conges" / "new.pdf")
    assert end(nextcloud, sink, tree) == ["Conges/new.pdf"]
    assert REMEDY not in nextcloud.text
