"""The answers that setup is given: each as an option or as a variable, and none of them a setting."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr

from group_data.all import TAAF
from passerelle.cli import cli
from passerelle.setup import setup
from tasks.settings import load, merged
from tasks.setup import run
from tasks.setup.given import Given

PREFIX = "PASSERELLE_SETUP_"
OPTIONS = {option.opts[0]: option for option in setup.params if isinstance(option, click.Option)}
SECRETS = [
    name.removeprefix("--").removesuffix("-file").replace("-", "_")
    for name in OPTIONS
    if name.endswith("-file")
]

Type = Callable[..., tuple[Result, Given | None]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Type:
    """Setup with these arguments and variables: how it ends, and what it was given, once settings could be read."""
    taken: list[Given] = []

    def main(given: Given, settings: Path) -> int:
        load(merged(TAAF, {"gitlab": {"token": "x"}, "mattermost": {"token": "x"}}))
        taken.append(given)
        return 0

    monkeypatch.setattr(run, "main", main)
    monkeypatch.chdir(tmp_path)  # it moves to the folder of the deploy
    for name in [name for name in os.environ if name.startswith("PASSERELLE_")]:
        monkeypatch.delenv(name)

    def type_(*arguments: str, **variables: str) -> tuple[Result, Given | None]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        taken.clear()
        done = CliRunner().invoke(cli, ["setup", *arguments])
        assert not [name for name in os.environ if name.startswith(PREFIX)]
        return done, taken[0] if taken else None

    return type_


def sample(option: click.Option, file: Path) -> str:
    """An answer that the option takes."""
    if isinstance(option.type, click.Choice):
        return str(option.type.choices[-1])
    if isinstance(option.type, click.Path):
        return str(file)
    return "group/one group/two" if option.multiple else "some-answer"


@pytest.mark.parametrize("flag", OPTIONS)
def test_each_option_may_as_well_be_a_variable(flag: str, typed: Type, tmp_path: Path) -> None:
    option, file = OPTIONS[flag], tmp_path / "file"
    file.write_text("in the file\n")
    answer = sample(option, file)
    words = [flag] if option.is_flag else [word for each in answer.split() for word in (flag, each)]
    variable = f"{PREFIX}{flag.removeprefix('--').replace('-', '_').upper()}"
    _, nothing = typed()
    done, by_option = typed(*words)
    assert done.exit_code == 0, done.output
    done, by_variable = typed(**{variable: "1" if option.is_flag else answer})
    assert done.exit_code == 0, done.output
    assert by_variable == by_option != nothing


@pytest.mark.parametrize("secret", SECRETS)
def test_each_secret_may_be_a_variable(secret: str, typed: Type, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the file\n")
    variable = {f"{PREFIX}{secret.upper()}": "in the variable"}
    done, given = typed(**variable)
    assert getattr(given, secret) == SecretStr("in the variable"), done.output
    _, given = typed(f"--{secret.replace('_', '-')}-file={file}", **variable)
    assert getattr(given, secret) == SecretStr("in the file")


@pytest.mark.parametrize(
    ("arguments", "variables", "expected"),
    [
        ([], {f"{PREFIX}HSOT": "server"}, f"{PREFIX}HSOT: setup asks nothing of that name"),
        ([], {f"{PREFIX}LANGUAGE": "de"}, "'de' is not one of"),
        ([], {f"{PREFIX}YES": "perhaps"}, "'perhaps' is not a valid boolean"),
        ([], {f"{PREFIX}CA": "/nowhere"}, "'/nowhere' does not exist"),
        (["--gitlab-token-file={binary}"], {}, "is not text"),
    ],
)
def test_a_wrong_answer_is_named(
    arguments: list[str], variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch,
    typed: Type, tmp_path: Path,
) -> None:  # fmt: skip
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(
        cli, ["setup", *(each.format(binary=tmp_path / "binary") for each in arguments)]
    )
    assert done.exit_code in (1, 2)
    assert expected in done.output
    assert not isinstance(done.exception, UnicodeError)


@pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.name)
def test_answers_are_no_settings_of_pyinfra(option: click.Option) -> None:
    """Which is typed as it is, without the program that takes them out of the environment."""
    tokens = {"gitlab": {"token": "x"}, "mattermost": {"token": "x"}}
    assert load(merged(TAAF, tokens), {str(option.envvar): "x"}) == load(merged(TAAF, tokens), {})


@pytest.mark.parametrize("secret", SECRETS)
def test_answers_are_no_settings_of_other_commands(secret: str, tmp_path: Path) -> None:
    file = tmp_path / "passerelle.toml"
    file.touch(mode=0o600)
    file.write_text('[host]\naddress = "server"\n[mattermost]\ntoken = "t0"\n[gitlab]\ntoken = "t1"\n')
    variables: dict[str, Any] = {f"{PREFIX}{secret.upper()}": "x", f"{PREFIX}HOST": "y"}
    done = CliRunner().invoke(cli, ["--settings", str(file), "sites"], env=variables)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("server ")
