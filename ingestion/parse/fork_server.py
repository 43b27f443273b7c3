"""The fork server: parsers are imported here once, and every file gets a fork of it.

Started by `ingestion.parse.forks` as `python -I -m ingestion.parse.fork_server FD`, FD being the
socket it is told by. It never sees a file: each fork is as fresh as a new child, without the half
second of imports. What is told and answered are records (`wire.RECORD`); with START come two
sockets, the fork's stdin and stdout, and its stderr.
"""

import contextlib
import gc
import logging
import os
import selectors
import signal
import socket
import sys
import traceback
from importlib import import_module

from ingestion.parse import child
from ingestion.parse.confine import die_with_parent
from ingestion.parse.registry import MODULES
from ingestion.parse.wire import ENDED, RECORD, SOCKETS, START
from ingestion.tokens import count_tokens


def main() -> None:
    """Fork until nobody tells anything any more."""
    logging.disable(logging.CRITICAL)  # libraries report every oddity of every file
    die_with_parent()
    child.do_without("numpy")
    count_tokens("")
    gc.disable()  # forks share what nobody touches
    with socket.socket(fileno=int(sys.argv[1])) as control:
        _Server(control).serve()


class _Server:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._numbers: dict[int, int] = {}
        self._selector = selectors.DefaultSelector()
        self._woken, self._wakes = socket.socketpair()

    def serve(self) -> None:
        """Do what is told, and tell of forks that ended."""
        self._wakes.setblocking(False)  # noqa: FBT003 - its only spelling
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._woken:
                    self._woken.recv(4_096)
                    self._reap()
                elif not self._obey():
                    return

    def _obey(self) -> bool:
        """Do one thing; False when nothing more will come."""
        told, sockets, _, _ = socket.recv_fds(self._control, RECORD.size, SOCKETS)
        if len(told) < RECORD.size:
            return False
        what, number, parser = RECORD.unpack(told)
        if what == START:
            self._fork(number, parser, sockets)
        else:
            self._kill(number)
        return True

    def _fork(self, number: int, parser: int, sockets: list[int]) -> None:
        import_module(MODULES[parser])
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            _become_child(sockets)
        for one in sockets:
            os.close(one)
        self._numbers[pid] = number

    def _kill(self, number: int) -> None:
        for pid, known in self._numbers.items():
            if known == number:
                for kill in (os.killpg, os.kill):  # it may not lead its group yet
                    with contextlib.suppress(ProcessLookupError):
                        kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        while self._numbers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            self._control.sendall(RECORD.pack(ENDED, self._numbers.pop(pid), code))


def _become_child(sockets: list[int]) -> None:
    """Be what `python -m ingestion.parse.child` is; never comes back."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for place, one in enumerate((sockets[0], *sockets)):
            os.dup2(one, place)
        os.closerange(sys.stderr.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
        gc.enable()
        code = child.main()
    except BaseException:  # noqa: BLE001 - whatever it was, this process ends here
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
