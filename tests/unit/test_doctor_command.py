"""The command as typed: what it answers when it cannot look, and when the host is not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def doctor(settings: Path, **values: str) -> subprocess.CompletedProcess[str]:
    variables = {f"PASSERELLE_{name}".upper(): value for name, value in values.items()}
    return subprocess.run(
        [sys.executable, "-m", "passerelle", "doctor"],
        cwd=ROOT,
        env={**os.environ, **variables, "PASSERELLE_SETTINGS": str(settings)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Of a host on which nothing listens."""
    path = tmp_path / "passerelle.toml"
    path.touch(mode=0o600)
    path.write_text(
        '[host]\naddress = "127.0.0.1"\nssh_port = 9\n[mattermost]\ntoken = "secret-of-the-chat"\n'
        '[gitlab]\ntoken = "secret-of-the-forge"\n'
    )
    return path


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "Maillon rompu : connexion SSH"), ("en", "Broken link: SSH")]
)
def test_host_that_is_not_reached_is_the_broken_link(settings: Path, language: str, words: str) -> None:
    done = doctor(settings, relays__language=language)
    assert done.returncode == 2, done.stderr
    assert words in done.stdout
    assert "[ssh.unreachable]" in done.stdout
    assert "host.ssh_port" in done.stdout
    assert "secret-of" not in done.stdout + done.stderr


def test_settings_that_cannot_be_read_are_no_broken_link(settings: Path) -> None:
    settings.chmod(0o644)
    done = doctor(settings)
    assert (done.returncode, done.stdout) == (1, "")
    assert "chmod 600" in done.stderr
    assert "Traceback" not in done.stderr
