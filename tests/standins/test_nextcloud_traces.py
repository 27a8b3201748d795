"""The stand-in leaves on disk the trail that Nextcloud 32.0.1 left in each recorded case.

Each trace names its requests and commands; they are replayed against the real process. What inotify says of the
HR tree, and each answer's status, must be what was recorded.
"""

import ast
import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.standins.nextcloud_site import (
    KINDS,
    Event,
    Site,
    of_path,
    recording,
    running,
    shown,
)

TRACES = Path(__file__).parents[1] / "fixtures" / "nextcloud-traces"

NOT_MODELLED = {
    "05d_filedrop_webdav_old": "the old endpoint of public links",
    "05j_bob_renames_mount": "renamed mounts",
    "06b_create_from_template": "the OCS API; same trail as 04f",
    "06c_create_blank_by_template_api": "the OCS API",
    "06d_text_editor_save": "the text editor; same trail as 01c",
    "10c_part_not_in_storage_bob": "the root of the actor's home, in a share",
    "12a_encryption_put": "server-side encryption",
    "12b_encryption_overwrite": "server-side encryption",
    "12c_encryption_small": "server-side encryption",
    "12d_encryption_move_in": "server-side encryption",
    "12e_encryption_bob_move_in": "server-side encryption",
    "13a_external_local_put": "external storage",
    "13b_move_into_external": "external storage",
}

# Held against their traces elsewhere, as they are not a list of requests to replay.
ELSEWHERE = {
    "05a_bob_first_login": "test_nextcloud_dav.py",
    "05b_filedrop_public_dav": "test_nextcloud_shares.py",
    "05c_filedrop_same_name": "test_nextcloud_shares.py",
    "05f_bob_put_in_share": "test_nextcloud_shares.py",
    "05g_bob_chunked_in_share": "test_nextcloud_shares.py",
    "05h_bob_move_own_file_into_share": "test_nextcloud_shares.py",
    "05k_bob_delete_in_share": "test_nextcloud_shares.py",
    "05l_bob_move_out_of_share": "test_nextcloud_shares.py",
    "07c_root_owned_0600": "test_nextcloud_occ.py",
    "08a_put_interrupted_new": "test_nextcloud_interrupted.py",
    "08c_server_killed_mid_put": "test_nextcloud_interrupted.py",
    "08d_chunked_never_finished": "test_nextcloud_interrupted.py",
    "08e_slow_put_visible": "test_nextcloud_interrupted.py",
    "09_file_names": "test_nextcloud_names.py",
}

# What is in the home before the case begins; a name that ends in "/" is a folder.
BEFORE = {
    "01c_put_overwrite": ["Documents_RH/Contrats/a_small.pdf"],
    "01g_put_same_content": ["Documents_RH/Contrats/a_small.pdf"],
    "02b_chunked_overwrite_web": ["Documents_RH/Fiches_Paie/chunk_web.pdf"],
    "04a_rename_in_place": ["Documents_RH/Contrats/ren.pdf"],
    "04b_move_into_tree": ["Perso/in.pdf"],
    "04c_move_out_of_tree": ["Documents_RH/Contrats/out.pdf"],
    "04d_move_between_subfolders": ["Documents_RH/Contrats/mv.pdf"],
    "04e_move_overwriting": ["Documents_RH/Contrats/ow1.pdf", "Documents_RH/Contrats/ow2.pdf"],
    "04f_copy_in_tree": ["Documents_RH/Contrats/cp.pdf"],
    "04g_copy_into_tree": ["Perso/cpin.pdf"],
    "04h_delete": ["Documents_RH/Contrats/del.pdf"],
    "04i_restore_from_trash": ["Documents_RH/Contrats/del.pdf"],
    "04k_rename_folder": [
        "Documents_RH/Contrats/Dossier/",
        "Documents_RH/Contrats/Dossier/f0.pdf",
        "Documents_RH/Contrats/Dossier/sub/",
        "Documents_RH/Contrats/Dossier/sub/deep.pdf",
    ],
    "04l_copy_folder": [
        "Documents_RH/Contrats/Dossier2/",
        "Documents_RH/Contrats/Dossier2/after.pdf",
        "Documents_RH/Contrats/Dossier2/sub/",
        "Documents_RH/Contrats/Dossier2/sub/deep.pdf",
    ],
    "04m_move_folder_into_tree": ["Perso/Lot/", "Perso/Lot/f0.pdf", "Perso/Lot/sub/", "Perso/Lot/sub/d.pdf"],
    "04n_delete_folder": ["Documents_RH/Conges/Lot/", "Documents_RH/Conges/Lot/f0.pdf"],
    "04q_delete_trash_permanently": ["Perso/old.pdf"],
    "07b_rm_then_scan": ["Documents_RH/Contrats/hand.pdf"],
    "10b_part_not_in_storage_overwrite": ["Documents_RH/Contrats/pfis.pdf"],
}

EMPTY_FIRST_PUT = {"01f_put_empty", "06a_new_text_file_ui", "06g_mount_like_put"}
CONTENT = b"%PDF-1.7 contrat de travail\n" * 5


@dataclass
class Trace:
    """One recorded case: what was done, what was answered, what inotify said of the HR tree."""

    case: str
    actions: list[tuple[str, str | None]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    stats: list[dict[str, Any]] = field(default_factory=list)


def read_trace(case: str) -> Trace:
    trace = Trace(case)
    for line in (TRACES / f"{case}.jsonl").read_text().splitlines():
        row = json.loads(line)
        match row["src"]:
            case "action" if row["text"][0] in ">$":
                trace.actions.append((row["text"], None))
            case "action" if row["text"][0] == "<" or row["text"] == "rc":
                if trace.actions:  # one trace has the answer alone
                    trace.actions[-1] = (trace.actions[-1][0], str(row["result"]).split()[0])
            case "inotify" if not row.get("self"):
                add_event(trace.events, row)
            case "stat":
                trace.stats.append(row)
    return trace


def add_event(events: list[Event], row: dict[str, Any]) -> None:
    root = Path("admin/files")
    path = Path(row["path"])
    kind = row["mask"][0].removeprefix("IN_")
    # The root of the watch is "files", so that a case that renames the tree itself can be reported.
    if kind not in KINDS.values() or not path.is_relative_to(root):
        return
    relative = path.relative_to(root)
    if not relative.parts[0].startswith("Documents_RH"):
        return
    event = (shown(relative), kind + ("(dir)" if "IN_ISDIR" in row["mask"] else ""))
    if events[-1:] != [event]:
        events.append(event)


def in_tree(events: list[Event]) -> list[Event]:
    """Events of the HR tree, runs collapsed again where others were between."""
    kept: list[Event] = []
    for event in events:
        if event[0].startswith("Documents_RH") and kept[-1:] != [event]:
            kept.append(event)
    return kept


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running() as started:
        yield started


def cases() -> list[str]:
    return sorted(path.stem for path in TRACES.glob("*.jsonl"))


REPLAYED = [case for case in cases() if case not in NOT_MODELLED and case not in ELSEWHERE]


def test_every_recorded_case_is_replayed_or_accounted_for() -> None:
    assert set(NOT_MODELLED) | set(ELSEWHERE) <= set(cases())
    assert len(REPLAYED) >= 35


@pytest.mark.parametrize("case", REPLAYED)
def test_trail_in_the_tree_is_the_recorded_one(site: Site, case: str, tmp_path: Path) -> None:
    trace = read_trace(case)
    assert trace.actions, "a trace without an action proves nothing"
    site.reset()
    for name in BEFORE.get(case, []):
        if name.endswith("/"):
            site.dav("MKCOL", name).raise_for_status()
        else:
            site.dav("PUT", name, data=b"before").raise_for_status()
    if case in {"04i_restore_from_trash", "04q_delete_trash_permanently"}:
        site.dav("DELETE", BEFORE[case][0]).raise_for_status()
    replay = Replay(site, trace, tmp_path)
    with part_file_elsewhere(site, case), recording(site.home / "files") as recorder:
        for text, result in trace.actions:
            assert replay.act(text) == result, text
            recorder.read()
        assert in_tree(recorder.read()) == trace.events
    for row in trace.stats:
        check_stat(site, row)


def check_stat(site: Site, row: dict[str, Any]) -> None:
    """Mode, and date where it is the client's, are as recorded."""
    status = (site.root / "data" / row["path"]).stat()
    assert oct(status.st_mode) == row["mode"], row["path"]
    if row["mtime"] == 1546300800.0:
        assert status.st_mtime == row["mtime"], row["path"]


@contextmanager
def part_file_elsewhere(site: Site, case: str) -> Iterator[None]:
    """Setting `part_file_in_storage` off, by hand in config.php, for the cases that were recorded so."""
    file = site.root / "config" / "config.php"
    before = file.read_text()
    if case.startswith("10"):
        file.write_text(before.replace(");", "  'part_file_in_storage' => false,\n);"))
    yield
    file.write_text(before)


class Replay:
    """Does what the action lines of one trace say."""

    def __init__(self, site: Site, trace: Trace, lab: Path) -> None:
        self._site, self._trace, self._lab = site, trace, lab
        self._puts = 0
        self._chunked = 0
        (lab / "hand.pdf").write_bytes(CONTENT)

    def act(self, text: str) -> str:
        """Do one action; its HTTP status or exit code."""
        return self._shell(text[2:]) if text[0] == "$" else self._request(text[2:])

    def _request(self, text: str) -> str:
        method, path, *rest = text.split(" ", 2)
        headers: dict[str, str] = ast.literal_eval(rest[0]) if rest else {}
        path = re.sub(r"/trash/(.+)\.d\d+$", lambda found: f"/trash/{self._in_trash(found[1])}", path)
        body = b""
        if method == "PUT" and path.startswith("/remote.php/dav/uploads/"):
            body = CONTENT
            self._chunked += len(body)
        elif method == "PUT":
            first, self._puts = self._puts == 0, self._puts + 1
            body = b"" if first and self._trace.case in EMPTY_FIRST_PUT else CONTENT
        elif method == "POST":
            body = self._bulk_body()
        if method == "MOVE" and "OC-Total-Length" in headers:
            headers["OC-Total-Length"] = str(self._chunked)  # the recorded chunks were megabytes
        answer = self._site.http.request(
            method, self._site.url + path, headers=headers, data=body or None, timeout=20
        )
        return str(answer.status_code)

    def _in_trash(self, name: str) -> str:
        [found] = (self._site.home / "files_trashbin" / "files").glob(f"{name}.d*")
        return found.name

    def _bulk_body(self) -> bytes:
        missing = self._trace.case == "03c_bulk_missing_parent"
        folder = "/Documents_RH/Nulle_part" if missing else "/Documents_RH/Conges"
        return multipart({f"{folder}/bulk{number}.txt": b"%d" % number * 100 for number in (1, 2, 3)})

    def _shell(self, text: str) -> str:
        text = text.removeprefix("setpriv --reuid=www-data --regid=www-data --init-groups ")
        text = text.replace("<nextcloud>", str(self._site.root)).replace("<lab>", str(self._lab))
        program, *arguments = text.split(" ")
        if program.endswith("/occ.sh"):
            return str(self._site.occ(*arguments).returncode)
        return str(subprocess.run([program, *arguments], check=False).returncode)


def multipart(files: dict[str, bytes]) -> bytes:
    """The body that the desktop client sends to the bulk endpoint."""
    parts = []
    for path, content in files.items():
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        head = (
            f"--boundary_0123456789\r\nX-File-Path: {path}\r\nX-File-MD5: {digest}\r\n"
            f"X-File-Mtime: 1546300800\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + b"--boundary_0123456789--\r\n"


def test_the_recorder_distinguishes_a_rename_from_a_direct_write(tmp_path: Path) -> None:
    """The comparison above could not fail if the recorder saw nothing."""
    with recording(tmp_path) as recorder:
        (tmp_path / "new").write_bytes(b"x")
        (tmp_path / "new").rename(tmp_path / "final")
        events = recorder.read()
    assert of_path(events, "new") == ["CREATE", "MODIFY", "CLOSE_WRITE", "MOVED_FROM"]
    assert of_path(events, "final") == ["MOVED_TO"]
