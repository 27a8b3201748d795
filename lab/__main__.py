"""The embedded stack for machines without the real one: `up`, `down`, or `demo`, which shows it all."""

import argparse
import sys
from collections.abc import Sequence

from lab import demo, stack, state
from lab.progress import LabError, say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, without `arguments` the one that was typed; 1 and one line on stderr if it cannot."""
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "demo"))
    command = parser.parse_args(arguments).command
    try:
        if command == "down":
            stack.down()
            say("the lab is gone")
            return 0
        lab = demo.run() if command == "demo" else stack.up()
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    print()
    say("the lab is up; `passerelle lab down` (make lab-down) removes it")
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
