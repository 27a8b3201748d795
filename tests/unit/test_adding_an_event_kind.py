"""A contributor adds an event kind as CONTRIBUTING.md says, in a copy of the repository: it is all there.

One module, one sample, and words in both catalogues; nothing else is edited, and a run of the tests says so.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
# What is no source.
IGNORED = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info")

KIND = '''"""Packages of the package registry."""

from collections.abc import Iterator

from relays.mattermost import markup
from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events.common import NAME, PROJECT, line, project_of, user_of
from relays.sources.gitlab.noise import is_by_bot
from relays.sources.gitlab.payload import Payload
from relays.mattermost.message import Message
from relays.wording import Wording


class Package(EventKind):
    """A package that is published or deleted."""

    name = "package"
    gitlab_names = ("package",)
    actions = ("publish", "delete")
    triggers = ("package_events",)
    branch_at = ("ref",)

    def build(self, payload: Payload, wording: Wording) -> Message:
        """Who published or deleted which package."""
        action = payload.text("object_attributes", "action")
        return line(
            wording[f"package.{action if action in self.actions else 'other'}"],
            user=markup.bold(user_of(payload, wording), NAME),
            package=markup.given(markup.code, payload.text("object_attributes", "name"), NAME),
            project=markup.given(markup.bold, project_of(payload, wording), PROJECT),
        )

    def noises(self, payload: Payload, actions: frozenset[str]) -> Iterator[str]:
        if is_by_bot(payload):
            yield "bots"
'''
SAMPLE = {
    "object_kind": "package",
    "user": {"name": "Camille Morel", "username": "cmorel"},
    "project": {
        "name": "projet-test-taaf",
        "web_url": "https://git.taaf.internal/taaf/projet-test-taaf",
        "path_with_namespace": "taaf/projet-test-taaf",
    },
    "ref": "main",
    "object_attributes": {"action": "publish", "name": "quota", "version": "1.2.0"},
}
WORDS = {
    "fr": {
        "package.publish": "📦 {user} a publié le paquet[ {package}][ sur {project}]",
        "package.delete": "🗑️ {user} a supprimé le paquet[ {package}][ sur {project}]",
        "package.other": "📦 {user} a modifié le paquet[ {package}][ sur {project}]",
    },
    "en": {
        "package.publish": "📦 {user} published the package[ {package}][ in {project}]",
        "package.delete": "🗑️ {user} deleted the package[ {package}][ in {project}]",
        "package.other": "📦 {user} changed the package[ {package}][ in {project}]",
    },
}
# What becomes of the sample, and of one like it; what a site may say of it; what its hook is called on.
ASKED = """
import json
from dataclasses import fields
from pathlib import Path

from relays.sources.gitlab.router import Router
from relays.sources.gitlab.event import read_event
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.routing import Route, faults
from tasks.gitlab import triggers_of
from tests.unit.site_data import taaf

sample = json.loads(Path("tasks/samples/gitlab/package_publish.json").read_text())
routes = [
    Route(("releases",), events=("package",), actions=("publish",), branches=("ma*",), language="en"),
    Route(("dev",)),
]

def announced(**changes):
    reason, messages = Router(routes, Mute()).dispatch(read_event(Payload({**sample, **changes})))
    return [reason, {channel: message.text for channel, message in messages.items()}]

print(json.dumps({
    "routed": announced(),
    "elsewhere": announced(ref="feature/x"),
    "deleted": announced(object_attributes={"action": "delete"}),
    "by a bot": announced(user={"username": "project_7_bot"}),
    "faults": [reason for _, reason in faults([Route(("x",), events=("package",), actions=("merge",))], Mute())],
    "triggers": triggers_of(taaf()).get("package_events"),
}))
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this one, in which nothing is changed yet."""
    return Path(shutil.copytree(REPOSITORY, tmp_path_factory.mktemp("contributor") / "copy", ignore=IGNORED))


def changed(root: Path) -> set[str]:
    """The files that are new in the copy, or others than here."""
    files = {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}
    return {
        name
        for name, path in files.items()
        if not name.startswith(".")
        and "__pycache__" not in name
        and not ((REPOSITORY / name).is_file() and (REPOSITORY / name).read_bytes() == path.read_bytes())
    }


def add_class(root: Path) -> None:
    (root / "relays/sources/gitlab/events/package.py").write_text(KIND, encoding="utf-8")


def add_sample(root: Path) -> None:
    (root / "tasks/samples/gitlab/package_publish.json").write_text(json.dumps(SAMPLE), encoding="utf-8")


def add_words(root: Path, language: str) -> None:
    path = root / f"relays/wording/{language}.py"
    text = path.read_text(encoding="utf-8").rstrip()
    assert text.endswith("\n}")
    added = "".join(f'    "{key}": "{said}",\n' for key, said in WORDS[language].items())
    path.write_text(f"{text.removesuffix('}')}{added}}}\n", encoding="utf-8")


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in the copy, which knows nothing of this repository."""
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTHONPATH")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env=environment | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


OF_KINDS = ("event_kinds",)
OF_MESSAGES = (
    *("gitlab_routing", "gitlab_confidentiality", "gitlab_odd_payloads"),
    *("relays_messages", "relays_snapshots", "relays_unknown"),
)


def check(root: Path, *names: str) -> str:
    """What the tests in these files say of the new kind."""
    paths = [f"tests/unit/test_{name}.py" for name in names]
    only = "package or language or two_kinds or named or faults or left_over or listed_in_the_documents"
    run_of_tests = run(root, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", only, *paths)
    return run_of_tests.stdout + run_of_tests.stderr


@pytest.mark.exhaustive
def test_a_kind_is_one_module_one_sample_and_two_wordings(repository: Path) -> None:
    add_class(repository)
    assert "tasks/samples/gitlab has no sample of it" in check(repository, *OF_KINDS)
    add_sample(repository)
    add_words(repository, "fr")
    assert "relays/wording/en.py lacks package.publish" in check(repository, *OF_KINDS)
    add_words(repository, "en")
    assert "docs/routing.md is stale: run python -m tasks.events_page" in check(repository, *OF_KINDS)
    assert run(repository, "-m", "tasks.events_page").returncode == 0
    said = check(repository, *OF_KINDS, *OF_MESSAGES)
    assert " passed" in said, said
    assert "failed" not in said, said
    assert "error" not in said, said
    assert changed(repository) == {
        "relays/sources/gitlab/events/package.py",
        "tasks/samples/gitlab/package_publish.json",
        "relays/wording/fr.py",
        "relays/wording/en.py",
        # What the command and the tests wrote.
        "docs/routing.md",
        "tests/unit/snapshots/fr/package_publish.txt",
        "tests/unit/snapshots/en/package_publish.txt",
    }
    for language, words in (("fr", "a publié le paquet `quota`"), ("en", "published the package `quota`")):
        shown = repository / f"tests/unit/snapshots/{language}/package_publish.txt"
        assert words in shown.read_text(encoding="utf-8")

    asked = run(repository, "-c", ASKED)
    assert asked.returncode == 0, asked.stderr
    user, project = "**Camille Morel**", "**projet-test-taaf**"
    assert json.loads(asked.stdout) == {
        "routed": ["", {"releases": f"📦 {user} published the package `quota` in {project}"}],
        "elsewhere": ["", {"dev": f"📦 {user} a publié le paquet `quota` sur {project}"}],
        "deleted": ["", {"dev": f"🗑️ {user} a supprimé le paquet sur {project}"}],
        "by a bot": ["muted", {}],
        "faults": ["actions: none of its events has merge; they have delete, publish"],
        "triggers": True,
    }
