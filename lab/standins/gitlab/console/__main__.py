"""`python -m lab.standins.gitlab.console < SCRIPT`: what `gitlab-rails runner -` does with the script of setup.

No Ruby is run. A script names what it is asked as JSON in a heredoc ASKED; of what it does the one call that setup
makes is recognised, `personal_access_tokens.create`, and its outcome is printed as the script would print it.
"""

import json
import os
import re
import secrets
import sys
from datetime import date, timedelta
from pathlib import Path

from lab.standins.gitlab.payloads.token import details
from lab.standins.gitlab.state.config import VERSION
from lab.standins.gitlab.state.store import Store
from lab.standins.gitlab.state.users import Users

DATA = Path(os.environ.get("GITLAB_DATA", "/var/opt/gitlab"))


def main() -> int:
    """Run the script on standard input; 1 if it is none of setup's, or ends with `abort`."""
    script = sys.stdin.read()
    asked = re.search(r"<<'ASKED'\)\n(.*)\nASKED\n", script)
    if asked is None or ".personal_access_tokens.create(" not in script:
        print("the stand-in runs no Ruby; it knows the script of passerelle setup alone", file=sys.stderr)
        return 1
    wanted = json.loads(asked[1])
    users = Users(Store(DATA / "gitlab.sqlite3"))
    user = users.administrator(wanted["user"])
    if user is None:
        print("no administrator of that name", file=sys.stderr)
        return 1
    token = f"glpat-{secrets.token_urlsafe(15)}"
    until = date.today() + timedelta(days=wanted["days"])
    row = users.grant(user, token, ["api"], wanted["name"], str(until))
    described = {
        "url": (DATA / "external_url").read_text(),
        "version": VERSION,
        "user": user.username,
        "token": token,
        **{name: details(row)[name] for name in ("id", "user_id", "expires_at")},
    }
    print(f"passerelle {json.dumps(described)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
