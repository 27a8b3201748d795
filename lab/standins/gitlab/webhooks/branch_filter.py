"""Whether a hook wants pushes to a branch."""

import re

from lab.standins.gitlab.state.models import Hook


def matches(hook: Hook, branch: str) -> bool:
    """Apply `push_events_branch_filter` by the hook's `branch_filter_strategy`; no filter lets everything pass."""
    pattern = hook.attributes["push_events_branch_filter"]
    strategy = hook.attributes["branch_filter_strategy"]
    if not pattern or strategy == "all_branches":
        return True
    if strategy == "regex":
        return re.search(pattern, branch) is not None
    wildcard = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(wildcard, branch) is not None
