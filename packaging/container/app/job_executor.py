#!/opt/nuvla-console/bin/python
"""The published image's command of this name, for compose files that have it."""

import sys

from engine.cli.main import main

sys.exit(main(["executor", *sys.argv[1:]]))
