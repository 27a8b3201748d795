"""`python -m lab.standins.nextcloud.occ [--root DIR] COMMAND ...`."""

import sys

from lab.standins.nextcloud.occ.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
