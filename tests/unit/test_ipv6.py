"""A host that is reached by IPv6: its address is found, written as URLs have it, and known again on the allow-list."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tasks.addresses import in_url
from tasks.context import PrimaryAddress
from tasks.doctor.gitlab import allows
from tests.unit.site_data import taaf

SOCKET = """
AF_INET, AF_INET6, SOCK_DGRAM = 4, 6, 0
class socket:
    def __init__(self, family, kind):
        self.family = family
    def connect(self, to):
        if str(self.family) not in {routes!r}:
            raise OSError("Network is unreachable")
    def getsockname(self):
        return ("192.0.2.7" if self.family == AF_INET else "2001:db8::7", 0)
"""


@pytest.mark.parametrize(
    ("routes", "found"), [("46", "192.0.2.7"), ("4", "192.0.2.7"), ("6", "2001:db8::7"), ("", "")]
)
def test_the_host_s_own_address_is_found(tmp_path: Path, routes: str, found: str) -> None:
    (tmp_path / "socket.py").write_text(SOCKET.format(routes=routes))
    command: Any = PrimaryAddress().command()
    done = subprocess.run(
        ["sh", "-c", command.get_raw_value()],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line for line in done.stdout.splitlines() if line and not line.startswith("---")] == (
        [found] if found else []
    )


@pytest.mark.parametrize("given", ["2001:db8::7", "[2001:db8::7]", "2001:DB8:0:0::7"])
def test_an_address_is_written_as_urls_have_it(given: str) -> None:
    site = taaf({"relays": {"address": given}, "host": {"address": given}})
    assert in_url(str(site.relays.address)) == "[2001:db8::7]"
    assert site.host.address == "2001:db8::7"


@pytest.mark.parametrize(
    ("entry", "does"),
    [
        ("[2001:db8::7]:8090", True),
        ("[2001:db8::7]", True),
        ("2001:db8::7", True),
        ("2001:db8::/32", True),
        ("[2001:db8::7]:8091", False),
        ("2001:db9::/32", False),
        ("192.0.2.0/24", False),
    ],
)
def test_an_entry_of_the_allow_list_covers_the_relay(entry: str, does: bool) -> None:
    assert allows([entry], "[2001:db8::7]:8090") == does
