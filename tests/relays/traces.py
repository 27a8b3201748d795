"""Replays the file operations of a recorded Nextcloud action in a temporary place."""

import json
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

TRACES = Path(__file__).parents[1] / "fixtures" / "nextcloud-traces"

_TREE = "admin/files/Documents_RH"
_READING = {"IN_OPEN", "IN_ACCESS", "IN_CLOSE_NOWRITE", "IN_IGNORED", "IN_MOVE_SELF", "IN_DELETE_SELF"}

# What is in the folders that are moved whole; their content shows in no event.
_FOLDERS = {
    "04k_rename_folder": {"Contrats/Dossier": ["f0.pdf", "f1.pdf", "f4.pdf", "sub/deep.pdf"]},
    "04m_move_folder_into_tree": {"admin/files/Perso/Lot": ["l0.pdf", "l1.pdf", "l2.pdf", "sub/d.pdf"]},
    "04n_delete_folder": {"Conges/Lot": ["l0.pdf", "sub/d.pdf"]},
}


class Step(NamedTuple):
    """One operation. `source`: where what is moved comes from, None for a place that was not recorded."""

    action: str
    path: Path
    is_folder: bool = False
    source: Path | None = None


class Trace:
    """One recorded case, played in `tree` (for what is in the HR tree) and `outside` (for the rest)."""

    def __init__(self, name: str, tree: Path, outside: Path) -> None:
        self._name = name
        self._tree = tree
        self._outside = outside
        self._steps: list[Step] = []
        leaving: dict[int, Path] = {}
        records = [
            json.loads(line) for line in (TRACES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        self._parents = {str(parent) for record in records for parent in Path(record.get("path", "")).parents}
        for record in records:
            self._read(record, leaving)
        self._steps += [Step("LEAVE", path) for path in leaving.values()]

    def prepare(self) -> None:
        """Make what was there before the action."""
        self._tree.mkdir(parents=True)
        self._outside.mkdir(parents=True)
        for folder, names in _FOLDERS.get(self._name, {}).items():
            for name in names:
                inside = self._tree / folder if not folder.startswith("admin/") else self._outside / folder
                _make(inside / name)
        born: set[Path] = set()
        for step in self._steps:
            for path in filter(None, (step.source, None if step.action in ("CREATE", "MOVE") else step.path)):
                if not born & {path, *path.parents}:
                    path.mkdir(parents=True, exist_ok=True) if step.is_folder else _make(path)
            if not born & set(step.path.parents):
                step.path.parent.mkdir(parents=True, exist_ok=True)
            if step.action in ("CREATE", "MOVE"):
                born.add(step.path)

    def play(self) -> None:
        """Do what Nextcloud did."""
        writing: dict[Path, int] = {}
        for number, step in enumerate(self._steps):
            path = step.path
            if step.action == "CREATE" and step.is_folder:
                path.mkdir()
            elif step.action in ("CREATE", "MODIFY"):
                if path not in writing:
                    writing[path] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                if step.action == "MODIFY":
                    os.write(writing[path], b"content")
            elif step.action == "CLOSE_WRITE":
                os.close(writing.pop(path))
            elif step.action == "ATTRIB":
                os.utime(path, (1546300800, 1546300800))
            elif step.action == "MOVE":
                (step.source or _make(self._outside / f"from-elsewhere-{number}")).rename(path)
            elif step.action == "LEAVE":
                path.rename(self._outside / f"gone-elsewhere-{number}")
            elif step.action == "DELETE":
                shutil.rmtree(path) if step.is_folder else path.unlink()
        assert not writing

    def _read(self, record: dict[str, Any], leaving: dict[int, Path]) -> None:
        if record["src"] == "recorder":
            # It was made before the recorder could watch its folder.
            path = self._place(record["path"])
            is_folder = record["path"] in self._parents
            self._steps.append(Step("CREATE", path, is_folder))
            if not is_folder:
                self._steps += [Step("MODIFY", path), Step("CLOSE_WRITE", path)]
            return
        if record["src"] != "inotify" or record.get("self") or _READING & set(record["mask"]):
            return
        (action,) = set(record["mask"]) - {"IN_ISDIR"}
        path, cookie, is_folder = self._place(record["path"]), record["cookie"], "IN_ISDIR" in record["mask"]
        if action == "IN_MOVED_FROM":
            leaving[cookie] = path
        elif action == "IN_MOVED_TO":
            self._steps.append(Step("MOVE", path, is_folder, leaving.pop(cookie, None)))
        elif (
            not any(step.action == "CREATE" and step.path == path for step in self._steps)
            or action != "IN_CREATE"
        ):
            self._steps.append(Step(action.removeprefix("IN_"), path, is_folder))

    def _place(self, path: str) -> Path:
        inside = path.startswith(f"{_TREE}/")
        return self._tree / path.removeprefix(f"{_TREE}/") if inside else self._outside / path


def _make(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"content")
    return path
