"""`python -m ingestion PATH… --create NAME`: the same as `aiconvokit ingest`."""

import sys

from aiconvokit.cli import main

sys.argv.insert(1, "ingest")
main()
