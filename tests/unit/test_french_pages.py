"""The French pages say of icons, settings and commands what there is, in French typography."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from relays.sources.gitlab.mute import Mute
from relays.sources.nextcloud import names
from relays.wording.fr import TEXTS
from tasks.settings_page import settings
from tests.lab.test_mission_commands import RESTARTS, TYPED
from tests.unit.site_data import taaf

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "fr"
PAGES = [ROOT / "README.fr.md", ROOT / "docs" / "exploitation.fr.md", *sorted(FOLDER.glob("*.md"))]
CONVERSATIONS = ROOT / "relays" / "sources" / "gitlab" / "conversations"
MISSION = FOLDER / "mission.md"
EMOJI = re.compile(r"[\u2190-\u21FF\U0001F300-\U0001FAFF\u231A-\u27BF\u2B00-\u2BFF\u23E9-\u23FA\u25B6]")
# As the mission's troubleshooting has them, and what a test in the lab makes of those that would not end.
TROUBLESHOOTING = [
    "ps aux | grep gitlab_webhook",
    "tail -f ~/taaf-infrastructure/scripts/webhooks/webhook_gitlab.log",
    "curl http://localhost:8090/health",
    "pkill -f gitlab_webhook.py",
    "cd ~/taaf-infrastructure/scripts/webhooks",
    "./start_gitlab_webhook.sh",
    "ps aux | grep nextcloud_monitor",
    "tail -f ~/taaf-infrastructure/scripts/monitoring/monitor.log",
    "docker volume inspect taaf-infrastructure_nextcloud_data",
    "pkill -f nextcloud_monitor.py",
    "cd ~/taaf-infrastructure/scripts/monitoring",
    "./start_nextcloud_monitor.sh",
    "cat ~/taaf-infrastructure/scripts/.webhooks.conf",
    "docker compose logs mattermost | grep -i webhook",
]
SCRIPTS = ("start-all-services.sh.j2", "stop-all-services.sh.j2", "status.sh.j2", "test-integrations.sh.j2")


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def sections(page: Path) -> dict[str, str]:
    """What stands below each heading of the second level."""
    _, *found = re.split(r"^## (.*)\n", text(page), flags=re.MULTILINE)
    return dict(zip(found[::2], found[1::2], strict=True))


def typed(page_or_section: str) -> list[str]:
    """The lines of the blocks of commands."""
    blocks = re.findall(r"^```bash\n(.*?)^```$", page_or_section, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


def test_every_icon_of_a_message_is_explained() -> None:
    """Those of GitLab's events to developers, those of documents to HR people; and none that no message has."""
    roots = "".join(path.read_text(encoding="utf-8") for path in CONVERSATIONS.glob("*.py"))
    shown = {
        "gitlab": set(EMOJI.findall(roots)),
        "nextcloud": {*EMOJI.findall("".join(names._ICONS)), names.OTHER_ICON},
    }
    for key, wording in TEXTS.items():
        part = key.partition(".")[0]
        # Alarms of the relay are for operators, and on the page of team leads.
        if part not in ("dead_letter", "rescue"):
            source = "nextcloud" if part in ("document", "documents", "category") else "gitlab"
            shown[source].update(EMOJI.findall(wording))
    assert set(EMOJI.findall(text(FOLDER / "developpeurs.md"))) == shown["gitlab"]
    assert set(EMOJI.findall(text(FOLDER / "rh.md"))) == shown["nextcloud"]


def test_every_extension_and_category_is_named() -> None:
    page = text(FOLDER / "rh.md")
    for icon, extensions in names._ICONS.items():
        (line,) = re.findall(rf"^- {icon} (.*)$", page, re.MULTILINE)
        for extension in extensions.split():
            assert re.search(rf"\b{extension}\b", line, re.IGNORECASE), (icon, extension)
    for key, shown in TEXTS.items():
        if key.startswith("category.") and key != "category.other":
            assert shown in " ".join(page.split()), shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    known = {
        f"{table.strip('[]')}.{name}".strip(".")
        for table, name, *_ in settings()
        if not table.startswith("[relays.hosts")
    }
    known |= {table.strip("[]") for table, *_ in settings()}
    named = set(re.findall(r"`((?:host|mattermost|nextcloud|gitlab|relays)\.[a-z_.]+)`", text(page)))
    # A finding of the doctor may be called like a table.
    findings = set(re.findall(r"^- `([\w.-]+)` : ", text(page), re.MULTILINE))
    assert named - findings <= known


def test_the_page_of_developers_names_what_is_not_announced_by_default() -> None:
    quiet = re.findall(r"`gitlab\.mute\.(\w+)`", text(FOLDER / "developpeurs.md"))
    # The others are what one act says more than once.
    acts = {"echoes", "empty_updates", "merge_pushes", "push_updates", "reviews"}
    assert {*quiet} == {field.name for field in fields(Mute)} - acts


@pytest.mark.parametrize("page", sorted(FOLDER.glob("*.md")), ids=lambda page: page.name)
def test_every_example_of_settings_is_one(page: Path) -> None:
    for example in re.findall(r"^```toml\n(.*?)^```$", text(page), re.DOTALL | re.MULTILINE):
        site = taaf(tomllib.loads(example))
        assert site.gitlab.routes


def test_the_mission_s_commands_are_listed_word_for_word_and_tried_in_the_lab() -> None:
    as_they_are = typed(sections(MISSION)["Celles qui marchent telles quelles"])
    tried = "\n".join([*(commands for commands, _ in TYPED.values()), *RESTARTS.values()])
    for command in TROUBLESHOOTING:
        assert command in as_they_are
        assert command in tried
    scripts = [command for command in as_they_are if command not in TROUBLESHOOTING]
    assert scripts == [f"scripts/{each.name.removesuffix('.j2')}" for each in map(Path, SCRIPTS)]


def test_what_stops_the_relays_names_every_unit_that_would_start_them_again() -> None:
    named = re.findall(
        r"passerelle-\w+\.\w+", "\n".join(typed(sections(MISSION)["Celles qu'il faut changer"]))
    )
    units = (ROOT / "files" / "systemd").glob("passerelle-*.j2")
    assert sorted(named) == sorted(unit.name.removesuffix(".j2") for unit in units)


def test_the_scripts_that_are_named_are_there() -> None:
    assert all((ROOT / "files" / name).exists() for name in SCRIPTS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_typography(page: Path) -> None:
    """A space stands before what is high, and inside guillemets; code and links are somebody else's."""
    prose = re.sub(r"^ *```.*?^ *```$", "", text(page), flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(
        r"<!--.*?-->|`[^`]*`|\]\([^)]*\)|https?://\S+|\*The same in English:", "", prose, flags=re.DOTALL
    )
    prose = re.sub(r"^\|[ \-|:]*\|$", "", prose, flags=re.MULTILINE)
    wrong = re.findall(
        r".{0,20}\w[:;!?](?=\s).{0,10}|.{0,10}«\S.{0,10}|.{0,10}\S».{0,10}|.{0,10}\.\.\..{0,10}", prose
    )
    assert not wrong
