"""A secret that is made on the host and stays there: never printed, never in an argument list."""

from hashlib import sha256

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from tasks.operations.remote import run_quietly
from tasks.operations.resource import Commands, ResourceError, resource, tell
from tasks.operations.text_file import Files, write

ACCESS = "600 root root"
_RANDOM = "head -c 32 /dev/urandom | base64 | tr -d '=\\n' | tr '+/' '-_'"
_EMPTY = sha256(b"").hexdigest()


@resource
def generated_secret(path: str) -> Commands:
    """Have a random secret of 256 bits in `path`, mode 0600; one that is there is kept."""
    access, digest = host.get_fact(Files, paths=[path]).get(path, ("", _EMPTY))
    if digest == _EMPTY:
        tell([f"+ {path}: a random secret ({ACCESS})"])
        yield write(path, _RANDOM, *ACCESS.split())
    elif access != ACCESS:
        tell([f"~ {path}: {access} -> {ACCESS}"])
        yield StringCommand("chown root:root", QuoteString(path), "&& chmod 600", QuoteString(path))


def fingerprint(path: str) -> str | None:
    """A short hash that tells whether a file with a secret is the same one; None without the file.

    Nothing can be learnt from it: the secrets here have more than 120 random bits.
    """
    found = host.get_fact(Files, paths=[path]).get(path)
    return found[1][:12] if found else None


def read(path: str) -> str:
    """The secret itself, for an API call. A fact would print it with `-vv`."""
    ok, output = run_quietly(StringCommand("cat", QuoteString(path)))
    if not ok or not output.strip():
        raise ResourceError(
            f"the secret in {path} on the host cannot be read or is empty; remove the file, run again"
        )
    return output.strip()
