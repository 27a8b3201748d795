"""A site's own sentences are tried on samples of what they are about, so that none fails first in a channel."""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from relays.sources.gitlab.event import Event, read_event
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.templates import template_faults
from relays.sources.nextcloud import document
from relays.sources.nextcloud.changes import Kind, News
from relays.sources.nextcloud.options import TreeOptions
from relays.wording import CATALOGUES, Language

_SAMPLES = Path(__file__).parent / "samples" / "gitlab"
_TREE = TreeOptions(tree="/Documents_RH")
# With an uploader and a link, which a site may have or not.
_NEWS = [
    News(kind, "Contrats/2025/contrat.pdf", 2048, datetime(2025, 12, 1, 12), who="Camille Morel")
    for kind in Kind
]


def try_on_events(wording: dict[Language, dict[str, str]]) -> dict[Language, dict[str, str]]:
    """The sentences about GitLab's events; ValueError for the first that fails on a sample of its event."""
    for language, templates in wording.items():
        for name, reason in template_faults(templates, _events() if templates else (), CATALOGUES[language]):
            raise ValueError(f"the {language} template {name} cannot be used: {reason}")
    return wording


def try_on_documents(wording: dict[str, str]) -> dict[str, str]:
    """The sentences about documents; ValueError for the first that fails on one."""
    for name, reason in document.faults(wording, _TREE, CATALOGUES["fr"], _NEWS):
        raise ValueError(f"the template {name} cannot be used: {reason}")
    return wording


@cache
def _events() -> Sequence[Event]:
    """GitLab's payloads, one and more of each event."""
    return [
        read_event(Payload(json.loads(path.read_text(encoding="utf-8"))))
        for path in sorted(_SAMPLES.glob("[a-z]*.json"))
    ]
