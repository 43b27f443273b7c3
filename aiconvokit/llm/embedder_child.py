"""The local embedder's process: reads requests on stdin, writes vectors to stdout.

It is a process of its own because the engine computes for hundreds of milliseconds without ever
letting the event loop run. It ends with its parent: on Linux the kernel sees to it, elsewhere the
end of stdin does.
"""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

import msgspec

from aiconvokit.llm.frames import GREETING, LANES, LENGTH, EmbedReply, EmbedRequest, framed
from ingestion.types import Vectors

_PR_SET_PDEATHSIG = 1

Engine = Callable[[EmbedRequest], Vectors]


def load_engine() -> Engine:
    """Load the model.

    Raises:
        ImportError: a package of the extra is missing.
        OSError: the weights cannot be read.
        RuntimeError: they are of another model.
    """
    from aiconvokit.llm.e5 import engine  # noqa: PLC0415 - optional, and heavy

    model = engine.Engine()
    return lambda request: model.embed(request.texts, as_queries=request.as_queries)


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests, several at once and in any order, until the source ends."""
    try:
        engine = load_engine()
    except (ImportError, OSError, RuntimeError) as error:
        _write(sink, EmbedReply(error=str(error)))
        return
    # A library built for another CPU dies at its first use: let that be now, before the greeting.
    engine(EmbedRequest(GREETING, ["ready"], as_queries=True))
    _write(sink, EmbedReply())
    reading, writing = threading.Lock(), threading.Lock()

    def work() -> None:
        while True:
            with reading:
                request = _read(source)
            if request is None:
                return
            vectors = engine(request)
            reply = EmbedReply(request.number, vectors.shape[1], vectors.astype("<f4").tobytes())
            with writing:
                _write(sink, reply)

    lanes = [threading.Thread(target=work) for _ in range(LANES)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()


def _read(source: BinaryIO) -> EmbedRequest | None:
    header = source.read(LENGTH.size)
    if not header:
        return None
    (length,) = LENGTH.unpack(header)
    return msgspec.msgpack.decode(source.read(length), type=EmbedRequest)


def _write(sink: BinaryIO, reply: EmbedReply) -> None:
    sink.write(framed(reply))
    sink.flush()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _take_stdout() -> BinaryIO:
    """The pipe to the parent; what a library prints goes to stderr instead of between frames."""
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return pipe


def main() -> None:
    """Serve the parent."""
    _die_with_parent()
    # A thread that fails ends the child: its request would never be answered.
    threading.excepthook = lambda _: os._exit(1)
    serve(sys.stdin.buffer, _take_stdout())


if __name__ == "__main__":
    main()
