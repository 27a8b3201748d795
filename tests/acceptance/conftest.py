"""The checks of the mission's list, on any live site."""

from tests.live import chat, cloud, copy, forge, host, infrastructure, proxy, site, ssh, tunnel

__all__ = ["chat", "cloud", "copy", "forge", "host", "infrastructure", "proxy", "site", "ssh", "tunnel"]
