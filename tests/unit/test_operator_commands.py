"""What operators type is a script that bash can read, in either language and with either spool."""

import subprocess

import pytest

from tasks.commands import COMMANDS
from tasks.templates import render
from tests.unit.site_data import taaf


class Context:
    """What the scripts are told of the host."""

    infrastructure = "/srv/it's here"
    relay = "192.0.2.1:8090"
    relay_url = None
    scripts = "/srv/it's here/scripts"
    webhooks_conf = f"{scripts}/.webhooks.conf"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("spool", [None, "postgresql://relay:word@db/passerelle"])
def test_a_command_is_a_script(command: str, language: str, spool: str | None) -> None:
    site = taaf({"relays": {"language": language, **({"spool": spool} if spool else {})}})
    french = language == "fr"
    words = {
        "site": site,
        "context": Context(),
        "ca": None,
        "compose": "docker compose",
        "t": lambda fr, en: fr if french else en,
    }
    text = render(command, **words)
    done = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
