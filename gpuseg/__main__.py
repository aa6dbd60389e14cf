"""``python -m gpuseg`` is the command ``gpuseg``."""

import sys

from gpuseg.cli import main

if __name__ == "__main__":
    sys.exit(main())
