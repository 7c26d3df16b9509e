"""`python -m speakerd` is `speakerd`."""

import sys

from speakerd.cli import main

if __name__ == "__main__":
    sys.exit(main())
