"""The one site that some settings describe."""

from collections.abc import Mapping
from typing import Any

from group_data.all import TAAF
from tasks import settings
from tasks.site import Site


def load(values: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Site:
    """As tasks.settings.load, for settings without tables of sites."""
    (site,) = settings.load(values, environment).values()
    return site


def taaf(*layers: Mapping[str, Any]) -> Site:
    """The TAAF's site under tokens that nobody knows, with `layers` of settings over it."""
    tokens = {"mattermost": {"token": "m-token"}, "gitlab": {"token": "g-token"}}
    return Site(**settings.merged(TAAF, tokens, *layers))
