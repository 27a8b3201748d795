"""A row of the activity as the API gives it: a sentence with parameters, in English."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from lab.standins.nextcloud.state.activity_rows import File, Row

_ICONS = {"created": "add-color", "deleted": "delete-color", "restored": "history"}


def to_json(row: Row, base: str) -> dict[str, Any]:
    """A row as the API gives it, in English; `base` is the address of the site."""
    (fileid, path), *_ = row.files
    verb, _, by = row.subject.partition("_")
    rich: dict[str, dict[str, str]] = {}
    names = ""
    if row.former:
        target = row.file if verb == "renamed" else (0, path.rpartition("/")[0])
        rich["newfile"] = _rich_file(*target, base)
        names = f"{_several('oldfile', row.formers, rich, base)} to {{newfile}}"
    else:
        names = _several("file", row.files, rich, base)
    if by == "public":
        sentence = f"{names} was created in a public folder"
    elif by == "self":
        sentence = f"You {verb} {names}"
    else:
        keys = [f"user{n}" for n in range(1, len(row.people) + 1)] if row.is_merged else ["user"]
        rich |= {
            key: {"type": "user", "id": number, "name": name}
            for key, (number, name) in zip(keys, row.people, strict=False)
        }
        who = " and ".join(f"{{{key}}}" for key in reversed(keys)) if row.actor else '"remote account"'
        sentence = f"{who} {verb} {names}"
    return {
        "activity_id": row.id,
        "app": "files",
        "type": row.type,
        "user": row.user,
        "subject": sentence,
        "subject_rich": [sentence, rich],
        "message": "",
        "message_rich": ["", []],
        "object_type": "files",
        "object_id": fileid,
        "object_name": path,
        "objects": {str(identity): name for identity, name in row.files},
        "link": f"{base}/index.php/apps/files/?dir={path.rpartition('/')[0] or '/'}",
        "icon": f"{base}/apps/files/img/{_ICONS.get(verb, 'change')}.svg",
        "datetime": datetime.fromtimestamp(row.at, UTC).isoformat(),
    }


def _several(key: str, files: Sequence[File], rich: dict[str, dict[str, str]], base: str) -> str:
    """Put files into the parameters; how a sentence refers to them."""
    keys = [f"{key}{number if len(files) > 1 else ''}" for number in range(1, len(files) + 1)]
    rich |= {name: _rich_file(*file, base) for name, file in zip(keys, files, strict=True)}
    return " and ".join(f"{{{name}}}" for name in reversed(keys))


def _rich_file(fileid: int, path: str, base: str) -> dict[str, str]:
    return {
        "type": "file",
        "id": str(fileid),
        "name": path.rpartition("/")[2],
        "path": path.strip("/"),
        "link": f"{base}/index.php/f/{fileid}",
    }
