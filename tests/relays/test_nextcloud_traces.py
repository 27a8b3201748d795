"""What Nextcloud 32 really does on disk, done again: each thing is announced, once, as what it is."""

import json
import re
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from relays.sources.nextcloud.open_writers import SETTLE_SECONDS
from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink
from tests.relays.traces import TRACES, Trace

EVERYTHING = 'announce = ["new", "moved_in", "version", "deleted"]\nburst_from = 0\n'

# Every recorded case but the one that renames the tree itself (see test_nextcloud.py), with what comes into the tree.
EXPECTED: dict[str, list[str]] = {
    "01a_put_small_new": ["Contrats/a_small.pdf"],
    "01b_put_30mb_new": ["Contrats/b_30mb.pdf"],
    "01c_put_overwrite": [],
    "01d_put_mtime_header": ["Contrats/c_old.pdf"],
    "01e_mkcol_then_put": ["Contrats/2025/x.pdf"],
    "01f_put_empty": ["Contrats/empty.txt"],
    "01g_put_same_content": [],
    "02a_chunked_new_web": ["Fiches_Paie/chunk_web.pdf"],
    "02b_chunked_overwrite_web": [],
    "02c_chunked_new_desktop": ["Fiches_Paie/chunk_desktop.pdf"],
    "02d_chunked_aborted": [],
    "03a_bulk_new": ["Conges/bulk1.txt", "Conges/bulk2.txt", "Conges/bulk3.txt"],
    "03c_bulk_missing_parent": [],
    "04a_rename_in_place": [],
    "04b_move_into_tree": ["Contrats/in.pdf"],
    "04c_move_out_of_tree": [],
    "04d_move_between_subfolders": [],
    "04e_move_overwriting": [],
    "04f_copy_in_tree": ["Contrats/cp (copy).pdf"],
    "04g_copy_into_tree": ["Contrats/cpin.pdf"],
    "04h_delete": [],
    "04i_restore_from_trash": ["Contrats/del.pdf"],
    "04j_mkcol": [],
    "04k_rename_folder": ["Contrats/Dossier2/after.pdf", "Contrats/Dossier2/sub/after2.pdf"],
    "04l_copy_folder": [
        *(f"Contrats/Dossier3/{name}.pdf" for name in ("after", "f0", "f1", "f2", "f3", "f4")),
        *("Contrats/Dossier3/sub/after2.pdf", "Contrats/Dossier3/sub/deep.pdf"),
    ],
    "04m_move_folder_into_tree": [
        *(f"Conges/Lot/{name}.pdf" for name in ("after", "l0", "l1", "l2")),
        *("Conges/Lot/sub/after2.pdf", "Conges/Lot/sub/d.pdf"),
    ],
    "04n_delete_folder": [],
    "04q_delete_trash_permanently": [],
    "05a_bob_first_login": [],
    "05b_filedrop_public_dav": ["Contrats/depot1.pdf"],
    "05c_filedrop_same_name": ["Contrats/depot1 (2).pdf"],
    "05d_filedrop_webdav_old": [],
    "05f_bob_put_in_share": ["Conges/bob.pdf"],
    "05g_bob_chunked_in_share": ["Conges/bobbig.pdf"],
    "05h_bob_move_own_file_into_share": ["Conges/own.pdf"],
    "05j_bob_renames_mount": [],
    "05k_bob_delete_in_share": [],
    "05l_bob_move_out_of_share": [],
    "06a_new_text_file_ui": ["Contrats/note.md"],
    "06b_create_from_template": ["Contrats/from_template.md"],
    "06c_create_blank_by_template_api": ["Contrats/blank.md"],
    "06d_text_editor_save": [],
    "06g_mount_like_put": ["Contrats/twice.pdf"],
    "07a_cp_then_scan": ["Contrats/hand.pdf"],
    "07b_rm_then_scan": [],
    "07c_root_owned_0600": ["Contrats/rootdir/f", "Contrats/rootonly.pdf"],
    "07d_occ_files_put": ["Contrats/put.pdf"],
    "07e_part_leftover_scan": [],
    "08a_put_interrupted_new": [],
    "08c_server_killed_mid_put": [],
    "08d_chunked_never_finished": [],
    "08e_slow_put_visible": ["Contrats/slow.pdf"],
    "10a_part_not_in_storage_new": ["Contrats/pfis.pdf"],
    "10b_part_not_in_storage_overwrite": [],
    "10c_part_not_in_storage_bob": ["Contrats/pfis2.pdf"],
    "12a_encryption_put": ["Contrats/enc.pdf"],
    "12b_encryption_overwrite": [],
    "12c_encryption_small": ["Contrats/enc10.pdf"],
    "12d_encryption_move_in": ["Contrats/enc_in.pdf"],
    "12e_encryption_bob_move_in": ["Contrats/enc_bob.pdf"],
    "13a_external_local_put": [],
    "13b_move_into_external": [],
}

# Of those, what is not new but moved in or restored. What Nextcloud writes outside the tree first looks the same
# (10a, 10c: part_file_in_storage is off, which is not the default), and encryption writes what is moved in anew.
MOVED_IN = {
    "04b_move_into_tree": {"Contrats/in.pdf"},
    "04i_restore_from_trash": {"Contrats/del.pdf"},
    "04m_move_folder_into_tree": {
        "Conges/Lot/l0.pdf",
        "Conges/Lot/l1.pdf",
        "Conges/Lot/l2.pdf",
        "Conges/Lot/sub/d.pdf",
    },
    "05h_bob_move_own_file_into_share": {"Conges/own.pdf"},
    "10a_part_not_in_storage_new": {"Contrats/pfis.pdf"},
    "10c_part_not_in_storage_bob": {"Contrats/pfis2.pdf"},
    "12d_encryption_move_in": {"Contrats/enc_in.pdf"},
}
# What else happens, as KIND PATH.
BESIDES = {
    "01c_put_overwrite": ["version Contrats/a_small.pdf"],
    "01g_put_same_content": ["version Contrats/a_small.pdf"],
    "02b_chunked_overwrite_web": ["version Fiches_Paie/chunk_web.pdf"],
    "04c_move_out_of_tree": ["deleted Contrats/out.pdf"],
    "04e_move_overwriting": ["version Contrats/ow2.pdf"],
    "04h_delete": ["deleted Contrats/del.pdf"],
    "04n_delete_folder": ["deleted Conges/Lot/l0.pdf", "deleted Conges/Lot/sub/d.pdf"],
    "05k_bob_delete_in_share": ["deleted Conges/bob.pdf"],
    "05l_bob_move_out_of_share": ["deleted Conges/own.pdf"],
    "06d_text_editor_save": ["version Contrats/note.md"],
    "07b_rm_then_scan": ["deleted Contrats/hand.pdf"],
    "10b_part_not_in_storage_overwrite": ["version Contrats/pfis.pdf"],
    "12b_encryption_overwrite": ["version Contrats/enc.pdf"],
    "13b_move_into_external": ["deleted Contrats/cp.pdf"],
}


def announced(relay: Relay, sink: Sink) -> list[str]:
    """The documents that Mattermost was announced, in order, with their paths in the tree."""
    paths = dict(re.findall(r"announced key=(\S+) kind=\S+ path=(.*)", relay.text))
    return [paths[post.key].strip("'\"") for post in sink.posts if post.key in paths]


def odd_names() -> list[str]:
    """The names that Nextcloud took and that are neither hidden nor temporary."""
    rows = json.loads((TRACES / "09_file_names.summary.json").read_text(encoding="utf-8"))
    names = {name for row in rows for name in row["on_disk"]}
    return sorted(name for name in names if not re.search(r"^[.~]|\.(tmp|crdownload)$|\.ocTransferId", name))


def kinds(relay: Relay) -> dict[str, str]:
    """What was announced of documents, as KIND PATH, by the delivery keys."""
    return {
        key: f"{kind} {path.strip(chr(39))}"
        for key, kind, path in re.findall(r"announced key=(\S+) kind=(\S+) path=(.*)", relay.text)
    }


def test_every_trace(nextcloud_at: Callable[..., Relay], sink: Sink, tmp_path: Path) -> None:
    recorded = {path.stem for path in TRACES.glob("*.jsonl")}
    assert recorded == {*EXPECTED, "09_file_names", "11a_rename_watched_root"}
    tree, outside = tmp_path / "Documents_RH", tmp_path / "outside"
    traces = [Trace(name, tree / name, outside / name) for name in (*EXPECTED, "09_file_names")]
    for trace in traces:
        trace.prepare()
    # What is moved with its folder must be older than what may still be written.
    newest = max(path.lstat().st_ctime for path in outside.rglob("*"))
    wait_for(lambda: time.time() > newest + SETTLE_SECONDS)
    relay = nextcloud_at(tree, EVERYTHING)
    relay.start()
    wait_for(lambda: "watching tree" in relay.text)
    for trace in traces:
        trace.play()
    expected = {
        case: [
            *(f"{'moved_in' if path in MOVED_IN.get(case, ()) else 'new'} {path}" for path in paths),
            *BESIDES.get(case, []),
        ]
        for case, paths in EXPECTED.items()
    }
    number = sum(map(len, expected.values())) + len(odd_names())
    wait_for(lambda: len(sink.keys) >= number, seconds=40)
    # What comes after shows that nothing else is still to come from before.
    (tree / "end.pdf").write_bytes(b"end")
    wait_for(lambda: announced(relay, sink)[-1] == "end.pdf")

    announcements: dict[str, list[str]] = defaultdict(list)
    by_key = kinds(relay)
    for key in sink.keys:
        kind, _, path = by_key[key].partition(" ")
        case, _, document = path.partition("/")
        announcements[case].append(f"{kind} {document}")
    assert {case: sorted(announcements[case]) for case in EXPECTED} == {
        case: sorted(news) for case, news in expected.items()
    }
    assert len(announcements["09_file_names"]) == len(odd_names())
