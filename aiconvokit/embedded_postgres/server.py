"""The life of the server: made, started, shared between processes, recovered, stopped.

What the data folder holds:

    postgres/               the cluster, 0700, owned by the server's user
    postgres-config/        its settings, rewritten before each start; ALTER SYSTEM overrides them
    postgres-bin-<version>/ only as root: the programs, where the server's user can reach them
    postgres.log            the server's log, 0600; the one before it is postgres.log.1
    socket/                 the Unix socket, 0700 (below /tmp where the path would be too long)
    postgres-start.lock     held while a process starts or stops the server
    postgres-users.lock     held (shared) by every process that uses the server

Only the user who started it logs in: the socket's folder is closed to others, and authentication
is `peer`, so that even an opened folder lets nobody in. There is one login role, the superuser;
roles with fewer rights are taken on with SET ROLE.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Literal
from urllib.parse import quote

import platformdirs
import psycopg
from psycopg.pq import PGconn, Ping

from aiconvokit.durable import fsync_folder
from aiconvokit.embedded_postgres import folders, programs
from aiconvokit.embedded_postgres.errors import EmbeddedPostgresError

NAME = "aiconvokit"  # of the database and of its login role
START_LIMIT = 120  # seconds; after a crash the log is replayed before anyone may connect
STOP_LIMIT = 60  # seconds; a fast stop writes a checkpoint
LOCK_LIMIT = 2 * START_LIMIT + STOP_LIMIT  # whoever holds the start lock may need this long
SILENCE_LIMIT = 3.0  # seconds; a server that starts listens after 0.1
CONNECT_LIMIT = 30  # seconds
LOG_LIMIT = 10_000_000  # bytes
LOG_TAIL = 4_000  # bytes of the log in an error
# What Postgres says while a killed server's children have not all noticed its end.
STILL_DYING = ("pre-existing shared memory block", "already exists")

# Texts sort by code point, the same on each machine. Only lc_ctype is the system's: the full-text
# parser asks it what a letter is, and with C it would take "«" and "。" for letters.
LC_CTYPE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
INITDB = (
    f"--username={NAME}",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    f"--lc-ctype={LC_CTYPE}",
    "--auth=peer",
    "--auth-host=reject",
    "--set=huge_pages=off",
    "--no-instructions",
)
SETTINGS = """\
# Written by AIConvoKit before each start. To change a setting for good, use ALTER SYSTEM.
data_directory = '{cluster}'
listen_addresses = ''
port = 5432
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
# Parallel index builds take maintenance_work_mem from /dev/shm, of which Docker gives 64 MB.
dynamic_shared_memory_type = posix
# "try" ends with a bus error in containers that see huge pages but may not use them
huge_pages = off
fsync = on
synchronous_commit = on
# compiling costs more than it saves in statements of a few milliseconds
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
# the log is searched for known messages
lc_messages = 'C'
"""


def default_data_dir() -> Path:
    """Where the product's data lie unless it is told otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/aiconvokit")
    return platformdirs.user_data_path("aiconvokit")


class EmbeddedPostgres:
    """One process's use of the server in a data folder; as a context manager it yields the URL.

    Any number of processes may use the same folder: the first starts the server, the last stops
    it. An object is for one thread at a time.
    """

    def __init__(self, data_dir: Path) -> None:
        self._dir = data_dir.expanduser().resolve()
        self._cluster = self._dir / "postgres"
        self._config = self._dir / "postgres-config"
        self._log = self._dir / "postgres.log"
        self._start_lock = self._dir / "postgres-start.lock"
        self._socket_dir = folders.socket_dir(self._dir)
        self._account = programs.Account(os.geteuid(), os.getegid())  # as root: start() finds it
        self._login = ""
        self._users_lock: int | None = None

    def start(self) -> str:
        """Make the server answer, whatever state it was left in. A second call revives it.

        Returns:
            The libpq URL of the superuser's connection to the product's database.

        Raises:
            EmbeddedPostgresError: It does not answer. A server that still recovers goes on.
        """
        with ExitStack() as on_error:
            on_error.callback(self._leave)
            try:
                self._start()
            except (OSError, subprocess.SubprocessError, psycopg.Error) as error:
                raise EmbeddedPostgresError(
                    f"Postgres in {self._dir} did not start: {error}"
                ) from error
            on_error.pop_all()
        return self._url(NAME)

    def stop(self) -> None:
        """End this process's use; the last process to do so stops the server and waits for it.

        Raises:
            EmbeddedPostgresError: The server did not stop in time.
        """
        if self._users_lock is None:
            return
        with ExitStack() as at_end:
            at_end.callback(self._leave)
            at_end.enter_context(folders.exclusively(self._start_lock, LOCK_LIMIT))
            # pg_ctl signals the process in the pid file, which is the server's only if it listens
            if folders.try_lock(self._users_lock) and self._state() != "absent":
                self._pg_ctl("stop", "--mode=fast", f"--timeout={STOP_LIMIT}")
                with suppress(OSError):
                    self._socket_dir.rmdir()  # below /tmp it would be litter

    def revive(self) -> bool:
        """Start the server again if it is not there; whether that was so.

        Raises:
            EmbeddedPostgresError: It cannot be started, for example because the disk is full.
        """
        if self._listening() != "absent":
            return False
        self.start()
        return True

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _start(self) -> None:
        programs.check_installed()
        self._login = programs.own_name()
        self._account = programs.server_account(self._cluster)
        folders.prepare_data_dir(self._dir, self._account.uid, self._account.gid)
        with folders.exclusively(self._start_lock, LOCK_LIMIT):
            if self._users_lock is None:
                self._users_lock = folders.open_lock(self._dir / folders.USERS_LOCK)
            folders.share_lock(self._users_lock)
            folders.make_private(self._socket_dir, self._account.uid, self._account.gid)
            if not self._has_cluster():
                self._make_cluster()
            self._bring_up()
            self._make_database()

    def _leave(self) -> None:
        if self._users_lock is not None:
            os.close(self._users_lock)
            self._users_lock = None

    def _url(self, database: str) -> str:
        return f"postgresql://{NAME}@/{database}?host={quote(str(self._socket_dir))}&port=5432"

    def _pg_ctl(self, action: str, *options: str) -> None:
        directory = f"--pgdata={self._config}"
        programs.run(self._account, self._dir, "pg_ctl", action, directory, *options)

    def _has_cluster(self) -> bool:
        """Whether there is a cluster; raises EmbeddedPostgresError if it is not one of ours."""
        if not self._cluster.exists():
            return False
        with suppress(FileNotFoundError):
            version = (self._cluster / "PG_VERSION").read_text(encoding="ascii").strip()
            if version == programs.MAJOR:
                return True
            raise EmbeddedPostgresError(
                f"The data in {self._cluster} are of Postgres {version}, and this is Postgres "
                f"{programs.MAJOR}. Make a backup with the version of AIConvoKit that wrote them "
                "and restore it into a new data folder."
            )
        raise EmbeddedPostgresError(
            f"{self._cluster} holds something else than the data of Postgres. "
            "Move it away, or set AICONVOKIT_DATA_DIR to another folder."
        )

    def _make_cluster(self) -> None:
        """Made under another name and renamed: a killed initdb leaves nothing half done.

        The name is new each time, because a killed process's initdb may still be writing.
        """
        for leftover in self._dir.glob("postgres-new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        new = Path(tempfile.mkdtemp(prefix="postgres-new-", dir=self._dir))
        if self._account.is_other:
            os.chown(new, self._account.uid, self._account.gid)
        programs.run(self._account, self._dir, "initdb", f"--pgdata={new}", *INITDB)
        new.rename(self._cluster)
        fsync_folder(self._dir)

    def _listening(self) -> Literal["there", "busy", "absent"]:
        """Judged by the socket alone: a pid file outlives its server, and pids are used again."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            try:
                probe.connect(str(self._socket_dir / folders.SOCKET_NAME))
            except (FileNotFoundError, ConnectionRefusedError):
                return "absent"
            except (TimeoutError, BlockingIOError):
                return "busy"
        return "there"

    def _state(self) -> Literal["ready", "busy", "absent"]:
        """Whether it takes statements."""
        if (found := self._listening()) != "there":
            return found
        ping = PGconn.ping(f"{self._url('postgres')}&connect_timeout=2".encode())
        return "ready" if ping == Ping.OK else "busy"

    def _bring_up(self) -> None:
        began = time.monotonic()
        for _ in folders.attempts(START_LIMIT):
            match self._state():
                case "ready":
                    return
                case "busy":  # recovers, or stops
                    continue
                case "absent":
                    self._launch(silent=time.monotonic() - began)
        raise EmbeddedPostgresError(
            f"Postgres in {self._dir} did not accept connections for {START_LIMIT} seconds. If it "
            f"still recovers, start again later. The end of its log:\n{self._end_of_log(0)}"
        )

    def _launch(self, silent: float) -> None:
        """Start the server unless an earlier one may be just about to listen or to end."""
        if self._pid_is_taken():
            if silent < SILENCE_LIMIT:
                return
            # Another program has the dead server's pid, and Postgres would take it for itself.
            # Should the server live after all, Postgres refuses to start: its memory is in use.
            for stale in (
                self._cluster / "postmaster.pid",
                self._socket_dir / folders.SOCKET_NAME,
                self._socket_dir / f"{folders.SOCKET_NAME}.lock",
            ):
                stale.unlink(missing_ok=True)
        programs.remove_old_copies(self._dir)
        self._write_config()
        begin = self._open_log()
        try:
            self._pg_ctl("start", f"--log={self._log}", f"--timeout={START_LIMIT}")
        except EmbeddedPostgresError as error:
            said = self._end_of_log(begin)
            if not any(sign in said for sign in STILL_DYING):
                raise EmbeddedPostgresError(
                    f"Postgres in {self._dir} did not start: {error}\nIts log:\n{said}"
                ) from error

    def _pid_is_taken(self) -> bool:
        """Whether some process, not necessarily the server, has the pid in the pid file."""
        try:
            pid = int((self._cluster / "postmaster.pid").read_text(encoding="ascii").split()[0])
            os.kill(pid, 0)
        except PermissionError:
            return False  # another user's, so not the server
        except (FileNotFoundError, ProcessLookupError, ValueError, IndexError, OverflowError):
            return False
        return True

    def _write_config(self) -> None:
        """Outside the cluster: root must not write where the server's user could plant links."""
        texts = {
            "postgresql.conf": SETTINGS.format(cluster=self._cluster, socket_dir=self._socket_dir),
            "pg_hba.conf": f"local all {NAME} peer map={NAME}\n",
            "pg_ident.conf": f'{NAME} "{self._login}" {NAME}\n',
        }
        self._config.mkdir(exist_ok=True)
        self._config.chmod(0o755)  # whatever root's umask: the server's user reads them
        for file, text in texts.items():
            (self._config / file).write_text(text, encoding="utf-8")
            (self._config / file).chmod(0o644)

    def _open_log(self) -> int:
        """Prepare the log for the server's user; returns where the next entry begins."""
        with suppress(FileNotFoundError):
            if self._log.stat().st_size > LOG_LIMIT:
                self._log.replace(self._log.with_suffix(".log.1"))
        handle = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            if self._account.is_other:
                os.fchown(handle, self._account.uid, self._account.gid)
            return os.fstat(handle).st_size
        finally:
            os.close(handle)

    def _end_of_log(self, begin: int) -> str:
        with suppress(FileNotFoundError):
            return self._log.read_bytes()[begin:][-LOG_TAIL:].decode(errors="replace")
        return "(there is none)"

    def _make_database(self) -> None:
        with psycopg.connect(
            self._url("postgres"), autocommit=True, connect_timeout=CONNECT_LIMIT
        ) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, [NAME]).fetchone() is None:
                connection.execute(f"CREATE DATABASE {NAME}")
