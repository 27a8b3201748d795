"""Files with secrets: never readable by others, never in an argument list, never printed."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from pyinfra import host, state
from pyinfra.api import FactBase, QuoteString, StringCommand

from tasks.operations.remote import run_quietly
from tasks.operations.resource import Commands, ResourceError, resource, tell


class SecretFile(FactBase[dict[str, str] | None]):
    """{"access": "MODE OWNER GROUP", "sha256": …} of a file; None if there is none."""

    def command(self, path: str) -> StringCommand:
        quoted = QuoteString(path)
        return StringCommand(
            "test ! -f", quoted, "|| { stat -c '%a %U %G'", quoted, "; sha256sum <", quoted, "; }"
        )

    def process(self, output: list[str]) -> dict[str, str] | None:
        """The two lines of the command; none for a missing file."""
        if len(output) < 2:
            return None
        return {"access": output[0], "sha256": output[1].split()[0]}


class Owner(FactBase[tuple[str, str] | None]):
    """(user, group) that own a path; None if it does not exist."""

    def command(self, path: str) -> StringCommand:
        return StringCommand("stat -c '%U %G'", QuoteString(path), "2>/dev/null || true")

    def process(self, output: list[str]) -> tuple[str, str] | None:
        """The one line of stat."""
        user, _, group = (output[0] if output else "").partition(" ")
        return (user, group) if group else None


def fingerprint(path: str) -> str | None:
    """A short hash that tells whether a generated secret is the same one; None without the file.

    A generated secret has 256 random bits, so nothing can be learnt from it.
    """
    found = host.get_fact(SecretFile, path=path)
    return found["sha256"][:12] if found else None


def read(path: str) -> str:
    """The secret itself, for an API call. A fact would print it with `-vv`."""
    ok, output = run_quietly(StringCommand("cat", QuoteString(path)))
    if not ok or not output.strip():
        raise ResourceError(
            f"the secret in {path} on the host cannot be read or is empty; remove the file, run again"
        )
    return output.strip()


@resource
def generated_secret(path: str) -> Commands:
    """Have a random secret in `path`, mode 0600, made on the host; one that is there is kept."""
    found = host.get_fact(SecretFile, path=path)
    empty = sha256(b"").hexdigest()
    if found is None or found["sha256"] == empty:
        tell([f"+ {path}: a random secret (0600 root root)"])
        yield _write(path, "head -c 32 /dev/urandom | base64 | tr -d '=\\n' | tr '+/' '-_'", "root", "root")
    elif found["access"] != "600 root root":
        tell([f"~ {path}: {found['access']} -> 600 root root"])
        yield StringCommand("chown root:root", QuoteString(path), "&& chmod 600", QuoteString(path))


@resource
def secret_file(
    path: str, content: Callable[[], str | None], owner: str = "root", group: str = "root"
) -> Commands:
    """Have `content()` in `path`, mode 0600. `content` answers None while it is not known yet."""
    text = content()
    if text is None and state.is_executing:
        raise ResourceError(f"{path}: what it must hold is still unknown; a step before this one did nothing")
    found = host.get_fact(SecretFile, path=path)
    access = f"600 {owner} {group}"
    wanted = sha256(text.encode()).hexdigest() if text is not None else None
    if found is not None and found == {"access": access, "sha256": wanted}:
        return
    if found is None:
        tell([f"+ {path} ({access}{', content known after apply' if text is None else ''})"])
    else:
        lines = [f"~ {path}: {found['access']} -> {access}"] if found["access"] != access else []
        tell(lines + ([f"~ {path}: other content"] if found["sha256"] != wanted else []))
    yield _write(path, "cat", owner, group, text)


def _write(path: str, producer: str, owner: str, group: str, text: str | None = None) -> StringCommand:
    """Beside the target and renamed over it, so that it is whole and private at every moment."""
    words: list[Any] = [
        "umask 077; t=$(mktemp",
        QuoteString(f"{path}.XXXXXX"),
        f') && {producer} >"$t" && chown {owner}:{group} "$t" && mv -f "$t"',
        QuoteString(path),
    ]
    if text is None:
        return StringCommand(*words)
    return StringCommand(*words, _stdin=text.rstrip("\n"))  # pyinfra ends it with a newline
