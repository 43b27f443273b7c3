"""A patch for the commands of a test: what waits for the dead to be sure waits for less.

The shipped times are those of `make soak`: with them a test would sleep for a minute.
"""

from aiconvokit import jobs
from aiconvokit.chat import lease

jobs.HEARTBEAT_SECONDS = 1
jobs.STALLED_AFTER_SECONDS = 4
jobs.RESCUE_EVERY_SECONDS = 1
lease.SWEEP_SECONDS = 1
