"""Files whose content the deploy makes: never half-written, never open for a moment, each difference shown."""

import posixpath
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from pyinfra import host, state
from pyinfra.api import QuoteString, StringCommand

from tasks.operations.remote import HostFact
from tasks.operations.resource import Commands, ResourceError, resource, show
from tasks.operations.trial import Trial


class Files(HostFact[dict[str, tuple[str, str]]]):
    """{path: ("MODE OWNER GROUP", sha256 of the content)} of those of `paths` that are files."""

    default = dict

    def command(self, paths: list[str]) -> StringCommand:
        return StringCommand(
            "for f in",
            *[QuoteString(path) for path in paths],
            '; do test -f "$f" && set -- "$@" "$f"; done;',
            'test $# -eq 0 || { stat -c "%a %U %G %n" "$@"; sha256sum "$@"; } 2>/dev/null || true',
        )

    def process(self, output: list[str]) -> dict[str, tuple[str, str]]:
        """A line of stat and one of sha256sum for each file; what goes away in between is none."""
        access, digests = dict[str, str](), dict[str, str]()
        for line in output:
            words = line.split(" ", 3)
            if len(words[0]) < sha256().digest_size:  # a mode, not a digest
                access[words[3]] = " ".join(words[:3])
                continue
            said, _, path = line.partition("  ")
            if said.startswith("\\"):  # so sha256sum says that it has doubled each backslash of the name
                said, path = said[1:], path.replace("\\\\", "\\")
            digests[path] = said
        return {path: (access[path], digest) for path, digest in digests.items() if path in access}


class Owner(HostFact[tuple[str, str] | None]):
    """(user, group) that own a path; None if it does not exist."""

    def command(self, path: str) -> StringCommand:
        return StringCommand("stat -c '%U %G'", QuoteString(path), "2>/dev/null || true")

    def process(self, output: list[str]) -> tuple[str, str] | None:
        """The one line of stat."""
        user, _, group = (output[0] if output else "").partition(" ")
        return (user, group) if group else None


@resource
def text_files(
    contents: Mapping[str, Callable[[], str | None]],
    mode: str = "644",
    owner: str = "root",
    group: str = "root",
    trial: Trial | None = None,
) -> Commands:
    """Have each path of `contents` hold what its function answers, with this mode and owner.

    A function answers None while a step before this one has not made what the file needs. Contents go by
    standard input, so no argument list, log or temporary file of others shows them. What cannot be written ends the
    `trial`.
    """
    texts = {path: content() for path, content in contents.items()}
    if state.is_executing and (unknown := [path for path, text in texts.items() if text is None]):
        raise ResourceError(
            f"{unknown[0]}: what it must hold is still unknown; a step before this one did nothing"
        )
    found = host.get_fact(Files, paths=list(texts))
    access = f"{mode} {owner} {group}"
    wrong = []
    for path, text in texts.items():
        old_access, old_digest = found.get(path, ("", ""))
        lines = []
        if not old_access:
            lines.append(f"+ {path} ({access}{', content known after apply' if text is None else ''})")
        elif old_access != access:
            lines.append(f"~ {path}: {old_access} -> {access}")
        if old_access and (text is None or old_digest != sha256(text.encode()).hexdigest()):
            lines.append(f"~ {path}: other content")
        show(lines)
        if lines:
            wrong.append(path)
    for path in wrong:
        yield write(path, "cat", mode, owner, group, texts[path], trial=trial)


def write(
    path: str,
    producer: str,
    mode: str,
    owner: str,
    group: str,
    text: str | None = None,
    then: str = "",
    *,
    trial: Trial | None = None,
) -> StringCommand:
    """Write what `producer` prints beside the target, private, and rename it over it; `then` goes with it or not.

    What fails leaves nothing."""
    folder = posixpath.dirname(path)
    words: list[Any] = [
        *([f"{trial.remember} && {{"] if trial else ["{"]),
        "test -d",
        QuoteString(folder),
        f"|| install -d -m 755 -o {owner} -g {group}",
        QuoteString(folder),
        "; umask 077; t=$(mktemp",
        QuoteString(f"{path}.XXXXXX"),
        f') && {producer} >"$t" && chown {owner}:{group} "$t" && chmod {mode} "$t" && mv -f "$t"',
        QuoteString(path),
        then,
        f'; }} || {{ rm -f "$t"; {trial.roll_back if trial else "false"}; }}',
    ]
    if text is None:
        return StringCommand(*words)
    return StringCommand(*words, _stdin=text.rstrip("\n"))  # pyinfra ends it with a newline
