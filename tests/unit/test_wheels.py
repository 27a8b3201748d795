"""The wheels for a host: pip is asked for those that are not there yet, and for no others."""

from hashlib import sha256
from pathlib import Path

import pytest

from tasks.operations.resource import ResourceError
from tasks.operations.wheels import gather

# No wheel at all, so whoever opens it fails.
CONTENT = b"a wheel"


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock of one package, of which there are two builds, where no index answers."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    hashes = " ".join(f"--hash=sha256:{sha256(build).hexdigest()}" for build in (b"another build", CONTENT))
    (tmp_path / "app.txt").write_text(f"thing==1.0 {hashes}\n")
    return tmp_path / "app.txt"


def have(place: Path, content: bytes) -> None:
    """A file of that content among what was gathered before."""
    (place / "app-cp313-x86_64").mkdir()
    (place / "app-cp313-x86_64" / "thing-1.0-py3-none-any.whl").write_bytes(content)


def test_what_is_there_is_not_asked_for(lock: Path, tmp_path: Path) -> None:
    have(tmp_path, CONTENT)
    wheels = gather(tmp_path, [lock], "3.13", "x86_64")
    assert sorted(path.name for path in wheels.iterdir()) == ["app.txt", "thing-1.0-py3-none-any.whl"]


@pytest.mark.parametrize("content", [b"", CONTENT + b"!"], ids=["that is cut off", "that is another"])
def test_one_with_another_hash_is_none(lock: Path, tmp_path: Path, content: bytes) -> None:
    have(tmp_path, content)
    with pytest.raises(ResourceError, match="gathering the wheels"):
        gather(tmp_path, [lock], "3.13", "x86_64")
