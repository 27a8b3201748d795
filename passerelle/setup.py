"""`passerelle setup`: its options, each of which stands for an answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from passerelle.place import enter
from passerelle.shared import Failure, take_answers, variable_of

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
# {name: (metavar, help)}; a secret is read from a file or a variable, for a command line is seen by all.
_ANSWERS = {
    "host": ("[USER@]HOST[:PORT]", "The host that GitLab and Nextcloud run on, as SSH reaches it."),
    "compose_project": ("NAME", "Of several Compose projects the one that is meant."),
    "gitlab_url": ("URL", "Address of GitLab; without it, as its console says."),
    "relay_url": (
        "URL",
        "Where a GitLab that is not on the host reaches the relay: a reverse proxy that leads to port 8090.",
    ),
    "gitlab_admin": ("NAME", "Administrator of GitLab whose token is made; without it, the first one."),
    "nextcloud_url": ("URL", "Address of Nextcloud; without it, as its configuration says."),
    "nextcloud_user": ("NAME", "Nextcloud account whose files hold the documents; without it, admin."),
    "mattermost_url": ("URL", "Address of Mattermost; without it, as its configuration says."),
    "mattermost_user": ("NAME", "Administrator of Mattermost to log in as, once."),
    "mattermost_code": ("CODE", "Code of the second factor of that account."),
    "team": ("NAME", "Team of Mattermost; without it, the only one, or a new one called after the domain."),
}
_SECRETS = {
    "mattermost_token": "Token of an administrator of Mattermost, used once to make one of its own.",
    "mattermost_password": "Password of --mattermost-user.",
    "gitlab_token": "A token of GitLab's (administrator, scope api; of a GitLab that is not on the host: Maintainer of "
    "the projects) in the place of one that is made.",
    "nextcloud_password": "An app password of Nextcloud's in the place of one that is made.",
}


_Command = Callable[..., Any]


def _option(flag: str, *names: str, **details: Any) -> Callable[[_Command], _Command]:
    """An option that may as well be given as a variable, called after it."""
    return click.option(flag, *names, envvar=variable_of(flag.removeprefix("--")), **details)


def _options(command: _Command) -> _Command:
    """The options of all answers, in their order."""
    for name, text in reversed(_SECRETS.items()):
        flag = f"--{name.replace('_', '-')}-file"
        command = _option(flag, type=_FILE, help=f"{text} Or {variable_of(name)}.")(command)
    for name, (metavar, text) in reversed(_ANSWERS.items()):
        command = _option(f"--{name.replace('_', '-')}", metavar=metavar, help=text)(command)
    return command


def _take_answers() -> dict[str, str]:
    """Take setup's variables out of the environment, of which the settings are read; Failure for an unknown one.

    The secrets among them, for the other answers are the options' by now.
    """
    given = take_answers()
    secrets = {variable_of(name): name for name in _SECRETS}
    known = {option.envvar for option in setup.params} | set(secrets)
    if unknown := sorted(set(given) - known):
        raise Failure(
            f"{unknown[0]}: setup asks nothing of that name; passerelle setup --help lists all answers"
        )
    return {secrets[variable]: value for variable, value in given.items() if variable in secrets}


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except ValueError:
        raise Failure(f"{file} is not text; name the file that holds the secret alone") from None


@click.command()
@_options
@_option("--ssh-key", type=_FILE, help="Private key for SSH.")
@_option("--ca", type=_FILE, help="Certificates that https:// is trusted by, in PEM.")
@_option(
    "--project",
    "projects",
    multiple=True,
    metavar="PATH",
    help="GitLab project to announce; may be repeated (in its variable: separated by spaces).",
)
@_option("--language", type=click.Choice(["fr", "en"]), help="Language of the messages; without it, French.")
@_option(
    "--allow-mattermost-tokens",
    "allow_tokens",
    is_flag=True,
    help="Switch personal access tokens on in Mattermost, if they are off.",
)
@_option("--yes", "-y", is_flag=True, help="Deploy without showing the plan and asking.")
@click.pass_obj
def setup(settings: Path, /, **answers: Any) -> int:
    """Go from a host to the first message.

    Looks on the host for the Compose project, the applications and their addresses, makes a token in each, writes the
    settings, shows what is to be deployed, asks, deploys, and sends a first message. It needs SSH to the host, as root
    or with sudo, and an administrator of Mattermost, once.

    A GitLab or Nextcloud that is not on the host is given by its address and token or password.

    Whatever is not given here is found or asked for. Each option may as well be a variable: --gitlab-url is
    PASSERELLE_SETUP_GITLAB_URL. Run again, setup keeps what the settings say. `rotate` renews the tokens that it has
    made, `teardown` revokes them.
    """
    secrets = _take_answers()
    for name in _SECRETS:
        file = answers.pop(f"{name}_file")
        answers[name] = _read(file) if file else secrets.get(name)
    for name in ("ssh_key", "ca"):
        answers[name] = answers[name].absolute() if answers[name] else None
    enter()
    from pydantic import SecretStr

    from tasks.setup import run
    from tasks.setup.given import Given

    for name in _SECRETS:
        answers[name] = SecretStr(answers[name]) if answers[name] else None
    return run.main(Given(**answers), settings)
