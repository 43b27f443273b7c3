"""What a child does first: it takes itself every right that reading one file does not need."""

import ctypes
import os
import resource
import signal
import sys
from typing import BinaryIO

from ingestion.parse.limits import Limits

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38

_NICE = 10
"""A tenth of a busy core, all of an idle one."""


def confine(limits: Limits) -> None:
    """Limit this process, for good: memory, CPU, files; nothing to gain, no life of its own."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, spare=1)  # SIGXCPU says why, SIGKILL not
    if sys.platform == "linux":  # macOS neither keeps RLIMIT_AS nor has prctl
        _limit(resource.RLIMIT_AS, limits.memory_bytes)
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    die_with_parent()


def die_with_parent() -> None:
    """Be killed as soon as the parent is gone, where the system does that."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def give_way() -> None:
    """Let whoever answers questions go first: nobody looks on while a document is read."""
    os.nice(_NICE)


def private_stdout() -> BinaryIO:
    """The pipe to the parent; whatever a library prints goes to stderr instead."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _limit(kind: int, value: int, *, spare: int = 0) -> None:
    """Lower the soft limit, and the hard one to `spare` above; one that is lower already stays."""
    ceiling = resource.getrlimit(kind)[1]
    hard = value + spare
    if ceiling != resource.RLIM_INFINITY:
        hard = min(hard, ceiling)
    resource.setrlimit(kind, (min(value, hard), hard))
