"""Settings that are there already, and what else is on this machine: setup names a mistake before it connects."""

from pathlib import Path
from typing import Any

import pytest

from tasks.setup import run
from tasks.setup.given import Given

REST = '[mattermost]\ntoken = "t0"\n'


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is not there yet."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "passerelle.toml"


def line_of(settings: Path, capsys: pytest.CaptureFixture[str], **given: Any) -> str:
    """What setup says, which then ends; it makes no connection, for nothing listens there."""
    assert run.main(Given(host="127.0.0.1:9", yes=True, **given), settings) == 1
    said = capsys.readouterr().err
    return said.removeprefix(f"{settings} is there already: what it says stays\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('host = "server"', "host"),
        ("[[host]]", "host"),
        ('[host]\naddress = "ser ver"', "host.address = 'ser ver'"),
        ('[host]\nssh_port = "x"', "host.ssh_port = 'x'"),
        ('[host]\nca = "/nowhere"', "host.ca = '/nowhere'"),
        ('[host]\nca = "passerelle.toml"', "host.ca = 'passerelle.toml'"),
        ("gitlab = 1", "gitlab = 1"),
        ("[gitlab]\nprojekt = 1", "gitlab.projekt: there is no such setting"),
        ('[gitlab]\nurl = "nowhere"', "gitlab.url = 'nowhere'"),
        ("[nextcloud]\nadmin = 3", "nextcloud.admin = 3"),
        ("[mattermost]\nteam = []", "mattermost.team"),
        ("[relays]\nlanguage = 'de'", "relays.language = 'de'"),
        ("[nonsense]", "nonsense: there is no such setting"),
        ("[host", "is not valid TOML"),
        ("[sites.a]", "describes several sites"),
    ],
)
def test_a_mistake_in_settings_that_are_there(
    text: str, expected: str, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.touch(mode=0o600)
    settings.write_text(text)
    said = line_of(settings, capsys)
    assert expected in said
    assert len(said.splitlines()) == 1
    assert "sshd" not in said


@pytest.mark.parametrize(
    ("content", "mode", "expected"),
    [
        (REST.encode("utf-16"), 0o600, "UTF-16; save it as UTF-8"),
        (REST.encode() + b"# \xff", 0o600, "line 3: is not UTF-8"),
        (REST.encode(), 0o644, "chmod 600"),
        (None, 0o700, "is not a file"),
    ],
)
def test_a_file_that_holds_no_settings(
    content: bytes | None, mode: int, expected: str, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is None:
        settings.mkdir()
    else:
        settings.write_bytes(content)
    settings.chmod(mode)
    assert expected in line_of(settings, capsys)


def test_a_ledger_that_cannot_be_read(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings.with_suffix(".tokens.json").write_text("{")
    assert "passerelle.tokens.json, where setup has noted down what it made" in line_of(settings, capsys)


@pytest.mark.parametrize(
    "text", ["", "\ufeff", f"\ufeff# mine\n{REST}", '[host]\naddress = "127.0.0.1"\nssh_port = 9']
)
def test_settings_without_a_mistake_are_gone_on_with(
    text: str, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.touch(mode=0o600)
    settings.write_text(text, encoding="utf-8")
    assert "host.ssh_port = 9: " in line_of(settings, capsys)  # where nothing listens


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("PASSERELLE_GITLAP__TOKEN", "PASSERELLE_GITLAP__TOKEN: there is no such setting"),
        ("PASSERELLE_RELAYS__PORT", "relays.port = 'x'"),
    ],
)
def test_a_mistake_in_the_environment(
    variable: str, expected: str, settings: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv(variable, "x")
    assert expected in line_of(settings, capsys)


def test_certificates_that_are_none(
    settings: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate\n")
    assert f"host.ca = '{file}': holds no certificate" in line_of(settings, capsys, ca=file)
