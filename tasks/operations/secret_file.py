"""Secrets in files of root's: never printed, never in an argument list, never open for a moment."""

from collections.abc import Sequence
from hashlib import sha256

from pydantic import SecretStr
from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from tasks.operations.remote import HostFact, run_quietly
from tasks.operations.resource import Commands, ResourceError, resource, show
from tasks.operations.text_file import Files, write
from tasks.operations.trial import Trial

ACCESS = "600 root root"
# What prints a secret of 256 bits: one that may stand anywhere, and the key of Standard Webhooks.
TOKEN = "head -c 32 /dev/urandom | base64 | tr -d '=\\n' | tr '+/' '-_'"  # noqa: S105
SIGNING_TOKEN = "{ printf whsec_ && head -c 32 /dev/urandom | base64; }"  # noqa: S105
_EMPTY = sha256(b"").hexdigest()


@resource
def generated_secret(path: str, producer: str = TOKEN) -> Commands:
    """Have a random secret in `path`, mode 0600, as `producer` prints it; one that is there is kept.

    The first line is the secret in use. Who checks secrets may accept those on further lines as well, which is
    how one is replaced without a gap.
    """
    access, digest = host.get_fact(Files, paths=[path]).get(path, ("", _EMPTY))
    if digest == _EMPTY:
        show([f"+ {path}: a random secret ({ACCESS})"])
        yield write(path, producer, *ACCESS.split())
    elif access != ACCESS:
        show([f"~ {path}: {access} -> {ACCESS}"])
        yield StringCommand("chown root:root", QuoteString(path), "&& chmod 600", QuoteString(path))


@resource
def given_secret(path: str, secret: SecretStr, trial: Trial | None = None) -> Commands:
    """Have `secret` in `path`, mode 0600. If it cannot be written, that ends the `trial`."""
    text = f"{secret.get_secret_value()}\n"
    access, digest = host.get_fact(Files, paths=[path]).get(path, ("", ""))
    lines = []
    if not access:
        lines.append(f"+ {path} ({ACCESS})")
    elif access != ACCESS:
        lines.append(f"~ {path}: {access} -> {ACCESS}")
    if access and digest != sha256(text.encode()).hexdigest():
        lines.append(f"~ {path}: other content")
    show(lines)
    if lines:
        yield write(path, "cat", "600", "root", "root", text, trial=trial)


@resource
def succeeding_secret(path: str, secret: SecretStr, trial: Trial | None = None) -> Commands:
    """Have `secret` on the first line of `path`, in use, mode 0600; what was in use before stays on further lines.

    Who reads the file can see there what it has to leave in good order. If it cannot be written, that ends the `trial`.
    """
    found = host.get_fact(Files, paths=[path]).get(path)
    in_use = host.get_fact(InUse, paths=[path])
    same = in_use == [sha256(secret.get_secret_value().encode()).hexdigest()]
    if found is None:
        show([f"+ {path} ({ACCESS})"])
    elif not same:
        show([f"~ {path}: another one in use, the former one beside it"])
    elif found[0] != ACCESS:
        show([f"~ {path}: {found[0]} -> {ACCESS}"])
    if found is None or not same or found[0] != ACCESS:
        # Each line once, in its order, those of the file after the new one.
        producer = "cat" if found is None else f"awk 'NF && !seen[$0]++' - {path}"
        yield write(path, producer, "600", "root", "root", f"{secret.get_secret_value()}\n", trial=trial)


@resource
def add_secret(path: str, producer: str) -> Commands:
    """Have a second secret, as `producer` prints it, on the last line of `path`; one that is there is kept."""
    # A run that broke off may have left one.
    if _count(path) == 1:
        show([f"~ {path}: one secret -> two, the first in use"])
        yield write(path, _all_of(path, f"cat; {producer}; echo"), *ACCESS.split())


@resource
def use_newest(path: str) -> Commands:
    """Have the secret of the last line of `path` on the first one, in use; the others stay."""
    show([f"~ {path}: old secret in use -> new secret in use"])
    if _count(path) > 1:
        yield write(path, _all_of(path, "tac"), *ACCESS.split())


@resource
def drop_others(path: str) -> Commands:
    """Have nothing but the secret in use in `path`."""
    show([f"~ {path}: two secrets -> the one in use"])
    if _count(path) > 1:
        yield write(path, _all_of(path, "head -n 1"), *ACCESS.split())


class Count(HostFact[int]):
    """How many lines of `path` are not blank; 0 without the file."""

    default = int

    def command(self, path: str) -> StringCommand:
        return StringCommand("grep -c '[^[:space:]]'", QuoteString(path), "2>/dev/null || true")

    def process(self, output: list[str]) -> int:
        """The number that grep prints."""
        return int(output[0]) if output else 0


def _count(path: str) -> int:
    found = host.get_fact(Count, path=path)
    if not found:
        raise ResourceError(f"there is no secret in {path} on the host to be replaced; run the deploy first")
    return found


def _all_of(path: str, change: str) -> str:
    # awk ends the last line too, which a file made by hand may not.
    return f"{{ awk NF {path} | {{ {change}; }}; }}"


def fingerprints(paths: Sequence[str]) -> list[str | None]:
    """Of each path a short hash that shows whether a file with secrets is the same one; None without the file.

    Nothing can be learnt from it: the secrets here have more than 120 random bits.
    """
    found = host.get_fact(Files, paths=list(paths))
    return [found[path][1][:12] if path in found else None for path in paths]


class InUse(HostFact[list[str]]):
    """The sha256 of the first line that is not blank of each of `paths` that is a file, in order."""

    default = list

    def command(self, paths: list[str]) -> StringCommand:
        return StringCommand(
            "for f in",
            *[QuoteString(path) for path in paths],
            '; do test -f "$f" && sed -n \'s/^[[:space:]]*//; s/[[:space:]]*$//; /./{p;q}\' "$f"',
            "| tr -d '\\n' | sha256sum | cut -c1-64; done || true",
        )

    def process(self, output: list[str]) -> list[str]:
        """A line for each file."""
        return output


def fingerprint_in_use(*paths: str) -> str | None:
    """One short hash of the secrets in use in all of `paths`; None unless all are there."""
    found = host.get_fact(InUse, paths=list(paths))
    return sha256("".join(found).encode()).hexdigest()[:12] if len(found) == len(paths) else None


def read(path: str) -> str:
    """The secret in use, for an API call. A fact would print it with `-vv`."""
    ok, output = run_quietly(StringCommand("cat", QuoteString(path)))
    secret = next(filter(None, map(str.strip, output.splitlines())), "")
    if not ok or not secret:
        raise ResourceError(
            f"the secret in {path} on the host cannot be read or is empty; remove the file, run again"
        )
    return secret
