"""The phase from end to end: the lab, the deploy, then people at work and what the channels show of it."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lab import stack, state
from lab.progress import LabError, say, wait_for
from tests.acceptance.people import Chat, Cloud, Forge, marker, shown, through_ssh

ROOT = Path(__file__).parent.parent


def run() -> state.Lab:
    """Do it all; the lab, left running. LabError if a step fails or a message does not arrive."""
    lab = stack.up()
    os.environ["PASSERELLE_SETTINGS"] = str(state.SETTINGS)
    say("deploying: pyinfra inventory.py deploy.py")
    done = subprocess.run(
        [Path(sys.executable).with_name("pyinfra"), "-y", "inventory.py", "deploy.py"], cwd=ROOT, check=False
    )
    if done.returncode:
        raise LabError("the deploy failed; its last lines say why")
    say("people at work")
    _work()
    return lab


def _work() -> None:
    from inventory import sites  # reads the settings that `run` has named

    (site,) = sites.values()
    from inventory import hosts

    with through_ssh(hosts[0][1]) as tunnel, tempfile.TemporaryDirectory() as place:
        chat, forge, cloud = (
            Chat(site, tunnel.address),
            Forge(site, tunnel.address),
            Cloud(site, tunnel.address),
        )
        dev, rh = site.mattermost.gitlab_webhook.channel, site.mattermost.nextcloud_webhook.channel
        mark = marker()
        branch = f"feature/{mark}"
        copy = forge.clone(Path(place))

        def show(deed: str, act: Callable[[], object], channel: str, *words: str) -> None:
            print(f"\n  {deed}")
            act()
            started = time.monotonic()

            def look() -> list[str]:
                texts = [shown(post) for post in chat.posts(channel)]
                return [text for text in texts if all(word in text for word in (mark, *words))]

            text = wait_for(f"a message in #{channel}", look, seconds=30, every=0.05)[0].strip()
            first, *rest = text.splitlines()
            print(f"    #{channel}, {time.monotonic() - started:.1f} s later: {first}")
            for line in rest:
                print(f"      {line}")

        show(
            "somebody opens an issue in GitLab",
            lambda: forge.api("POST", "PROJECT/issues", {"title": f"Le quota affiché est faux ({mark})"}),
            dev,
        )
        show(
            f"git push origin {branch}",
            lambda: forge.commit(copy, branch, f"Corrige le quota ({mark})"),
            dev,
            "📦",
        )
        request = {"source_branch": branch, "target_branch": "main", "title": f"Correction du quota ({mark})"}
        opened: dict[str, int] = {}
        show(
            "somebody opens a merge request",
            lambda: opened.update(forge.api("POST", "PROJECT/merge_requests", request)),
            dev,
            "a ouvert",
            "Correction du quota",
        )
        show(
            "somebody merges it",
            lambda: forge.api("PUT", f"PROJECT/merge_requests/{opened['iid']}/merge"),
            dev,
            "a fusionné",
        )
        document = f"Contrats/Contrat {mark}.pdf"
        show(
            f"HR uploads {document} to Nextcloud",
            lambda: cloud.put(document, b"%PDF-1.4 " + b"x" * 200_000),
            rh,
        )
