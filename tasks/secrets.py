"""What GitLab proves itself with, replaced in three steps; between them others have to follow (rotate.py)."""

from tasks.context import HOOK_TOKEN, SIGNING_TOKEN
from tasks.operations import secret_file
from tasks.operations.resource import step

_PRODUCERS = {HOOK_TOKEN: secret_file.TOKEN, SIGNING_TOKEN: secret_file.SIGNING_TOKEN}


@step("Secrets")
def add_secrets() -> None:
    """A new one of each beside the one in use."""
    for path, producer in _PRODUCERS.items():
        secret_file.add_secret(path, producer, name=f"New secret beside that in {path}")


@step("Secrets")
def use_secrets() -> None:
    """The new ones in use, the old ones beside them."""
    for path in _PRODUCERS:
        secret_file.use_newest(path, name=f"New secret of {path} in use")


@step("Secrets")
def drop_secrets() -> None:
    """The new ones alone."""
    for path in _PRODUCERS:
        secret_file.drop_others(path, name=f"Old secret of {path} dropped")
