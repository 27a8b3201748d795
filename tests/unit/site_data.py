"""The one site that some settings describe."""

from collections.abc import Mapping
from typing import Any

from tasks import settings
from tasks.site import Site


def load(values: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Site:
    """As tasks.settings.load, for settings without tables of sites."""
    (site,) = settings.load(values, environment).values()
    return site
