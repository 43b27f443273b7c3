"""Folders and locks that can be trusted. What exists is checked and refused, never changed."""

import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aiconvokit.embedded_postgres.errors import EmbeddedPostgresError

POLL = 0.02  # seconds
SOCKET_NAME = ".s.PGSQL.5432"
USERS_LOCK = "postgres-users.lock"
"""Held (shared) by every process that uses the server."""
SUN_PATH_LIMIT = 103  # bytes before the closing NUL: macOS takes 103, Linux 107
# pg_ctl hands paths to a shell in double quotes; the settings take them in single quotes, and a
# comma there begins another folder.
FORBIDDEN = frozenset("\"$`\\'\n,")


def attempts(seconds: float) -> Iterator[None]:
    """Yield at short intervals until the time is up, at least once."""
    end = time.monotonic() + seconds
    yield
    while time.monotonic() < end:
        time.sleep(POLL)
        yield


def socket_dir(data_dir: Path) -> Path:
    """Where the server's socket goes: it follows from the data folder alone.

    A folder named by the environment (XDG_RUNTIME_DIR) differs between a login and a service,
    which then would not find each other's server, and vanishes at logout.
    """
    inside = data_dir / "socket"
    if len(os.fsencode(inside / SOCKET_NAME)) <= SUN_PATH_LIMIT:
        return inside
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:8]
    return Path("/tmp") / f"aiconvokit-{digest}"  # noqa: S108 - make_private refuses a planted one


def prepare_data_dir(data_dir: Path, server_uid: int, server_gid: int) -> None:
    """Make the data folder where it is missing, or check it.

    Raises:
        EmbeddedPostgresError: Others may write into it, or the server's user cannot reach it.
    """
    if bad := FORBIDDEN & set(str(data_dir)):
        raise EmbeddedPostgresError(
            f"The path of the data folder {data_dir} has the character {min(bad)!r} in it, which "
            "Postgres cannot take. Set AICONVOKIT_DATA_DIR to another folder."
        )
    path = (*reversed(data_dir.parents), data_dir)
    others_pass = server_uid != os.geteuid()
    for folder in path:
        if folder.exists():
            if others_pass:
                _check_traversable(folder, server_uid, server_gid)
        else:
            _make(folder, 0o711 if others_pass else 0o700)
    found = data_dir.stat()
    if found.st_uid not in {0, os.geteuid()}:
        raise EmbeddedPostgresError(
            f"The data folder {data_dir} belongs to user id {found.st_uid}, and this process runs "
            f"as {os.geteuid()}. Run it as that user, or set AICONVOKIT_DATA_DIR to another folder."
        )
    if found.st_mode & stat.S_IWOTH:
        raise EmbeddedPostgresError(
            f"Everybody may write into the data folder {data_dir}. "
            "Set AICONVOKIT_DATA_DIR to a folder inside it, which will be made."
        )


def make_private(folder: Path, uid: int, gid: int) -> None:
    """Make a folder that only this user enters, or check it.

    Raises:
        EmbeddedPostgresError: Somebody else's folder, a wider one or a link has its name.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    handle = -1
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        found = os.fstat(handle)
        # Ours instead of the server's: a process killed between the two steps left it.
        if found.st_uid not in {uid, os.geteuid()} or found.st_mode & 0o777 != 0o700:
            raise PermissionError(f"owner {found.st_uid}, mode {found.st_mode & 0o777:o}")
        if found.st_uid != uid:
            os.fchown(handle, uid, gid)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"{folder} is not a folder that only user id {uid} may enter ({error}), so somebody "
            "else could pass for the server. Remove it and start again."
        ) from error
    finally:
        if handle >= 0:
            os.close(handle)


def open_lock(path: Path) -> int:
    """Open a lock file that nobody else can open, hence hold; returns its descriptor."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def try_lock(lock: int) -> bool:
    """Take the lock for this process alone, if no other process holds it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def share_lock(lock: int) -> None:
    """Take the lock together with others."""
    fcntl.flock(lock, fcntl.LOCK_SH)


@contextmanager
def exclusively(path: Path, seconds: float) -> Iterator[None]:
    """Hold a lock file alone; a killed holder's lock is free at once.

    Raises:
        EmbeddedPostgresError: Another process did not let go of it in time.
    """
    lock = open_lock(path)
    try:
        if not any(try_lock(lock) for _ in attempts(seconds)):
            raise EmbeddedPostgresError(
                f"Another process has held {path} for {seconds:.0f} seconds: it starts or stops "
                "Postgres and does not come to an end. Stop that process and start again."
            )
        yield
    finally:
        os.close(lock)


def _make(folder: Path, mode: int) -> None:
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(mode)  # whatever the umask


def _check_traversable(folder: Path, uid: int, gid: int) -> None:
    """Root's folders are often 0700, and the server does not run as root."""
    found = folder.stat()
    if found.st_uid == uid:
        needed = stat.S_IXUSR
    elif found.st_gid == gid:
        needed = stat.S_IXGRP
    else:
        needed = stat.S_IXOTH
    if not found.st_mode & needed:
        raise EmbeddedPostgresError(
            f"Postgres runs as user id {uid}, never as root, and that user may not pass through "
            f"{folder} (mode {found.st_mode & 0o777:o}). Set AICONVOKIT_DATA_DIR to a folder that "
            f"others may pass through, or allow it: chmod o+x {folder}"
        )
