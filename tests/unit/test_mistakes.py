"""Sixty first-time mistakes in the settings: one line each, with the setting and the remedy, from every command."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.settings import load as load_sites
from tasks.site import SiteError
from tests.unit.mistakes import FILES, SECRETS, VALUES, Mistake, write

ROOT = Path(__file__).parents[2]
PYINFRA = str(Path(sys.executable).with_name("pyinfra"))
COMMANDS = {
    "deploy": [PYINFRA, "--dry", "inventory.py", "deploy.py"],
    "drift": [sys.executable, "-m", "passerelle", "drift"],
    "doctor": [sys.executable, "-m", "passerelle", "doctor"],
}
MISTAKES = [*FILES, *VALUES]
# A few by each of the commands, all by all with --exhaustive: what the commands print is what `load` says.
_EACH = 32
RUNS = [
    pytest.param(mistake, command, marks=[] if (place * 3 + turn) % _EACH == 0 else [pytest.mark.exhaustive])
    for place, mistake in enumerate(MISTAKES)
    for turn, command in enumerate(COMMANDS)
]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files that are taken for a private key."""
    place = tmp_path_factory.mktemp("keys")
    key = place / "key"
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-C", "a key", "-f", str(key)]
    subprocess.run(make, check=True)
    putty = place / "key.ppk"
    putty.write_text("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n")
    return {"PRIVATE": key, "PUBLIC": key.with_suffix(".pub"), "PUTTY": putty, "ENCRYPTED": key}


def test_there_are_sixty_and_each_has_its_name() -> None:
    names = [str(mistake) for mistake in MISTAKES]
    assert len(set(names)) == len(names) >= 60


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_settings_are_refused_in_one_line(
    mistake: Mistake, tmp_path: Path, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("PASSERELLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PASSERELLE_SETTINGS", str(write(mistake, tmp_path, keys)))
    taaf = runpy.run_path(str(ROOT / "group_data" / "all.py"))["TAAF"]
    with pytest.raises(SiteError) as caught:
        load_sites(taaf)
    judge(mistake, str(caught.value))


@pytest.mark.parametrize(("mistake", "command"), RUNS, ids=str)
def test_one_line_names_the_setting_and_the_remedy(
    mistake: Mistake, command: str, tmp_path: Path, keys: dict[str, Path]
) -> None:
    settings = write(mistake, tmp_path, keys)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PASSERELLE_")}
    done = subprocess.run(
        COMMANDS[command],
        cwd=ROOT,
        env=environment | {"PASSERELLE_SETTINGS": str(settings)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 1, output
    assert ".py line" not in output
    said = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", output).splitlines() if line.strip()]
    judge(mistake, "\n".join(line for line in said if not line.startswith("-->")))


def judge(mistake: Mistake, output: str) -> None:
    """Nothing but the lines that name what is wrong, each with its remedy, and no secret in them."""
    assert mistake.named in output
    assert "Traceback" not in output
    assert [secret for secret in SECRETS if secret in output] == []
    lines = output.splitlines()
    assert len(lines) == (2 if mistake.name == "an empty file" else 1), output
    for line in lines:
        assert re.search(r"; |: [a-z]", line), line
