"""`python -m lab up`, `python -m lab down`: the embedded stack for machines without the real one."""

import argparse
import sys

from lab import stack, state
from lab.progress import LabError, say


def main() -> int:
    """Run one command; 1 and one line on stderr if it cannot."""
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    parser.add_argument("command", choices=("up", "down"))
    try:
        if parser.parse_args().command == "down":
            stack.down()
            say("the lab is gone")
            return 0
        lab = stack.up()
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    say("the lab is up")
    print(f"""
  Mattermost  http://127.0.0.1:{lab.chat_port}
  GitLab      http://127.0.0.1:{lab.git_port}
  Nextcloud   http://127.0.0.1:{lab.cloud_port}
  the host    ssh -i {state.KEY} -p {lab.ssh_port} root@127.0.0.1
  settings    {state.SETTINGS}
""")
    return 0


if __name__ == "__main__":
    sys.exit(main())
