"""Is the lock what pyproject.toml asks for? With --write: make it so.

Versions that are locked stay as long as they fit; `--write --upgrade` takes newer ones.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
LOCKS = {
    "local": ["local", "object-storage"],  # also the image's
    "dev": ["local", "object-storage", "ocr", "otel", "dev"],
}


def compile_lock(extras: list[str], output: Path, options: list[str]) -> None:
    """Resolve for every platform and Python that we support, with the hashes of all files."""
    command = [
        *[sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal"],
        *["--python-version", "3.11"],  # the oldest that we support, whichever one runs this
        *["--generate-hashes", "--no-header", "--no-annotate"],
        *["--no-emit-index-url", "--no-emit-find-links"],
        *[part for extra in extras for part in ("--extra", extra)],
        *options,
        *["--output-file", str(output), "pyproject.toml", "requirements/build.in"],
    ]
    subprocess.run(command, cwd=HERE.parent, check=True)  # noqa: S603  # our own words


def main() -> int:
    """Compare each lock with a fresh resolution that prefers the locked versions."""
    write, upgrade = "--write" in sys.argv, "--upgrade" in sys.argv
    stale = []
    for name, extras in LOCKS.items():
        lock = HERE / f"{name}.txt"
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder) / lock.name
            if lock.exists() and not upgrade:
                shutil.copy(lock, fresh)  # uv keeps the versions that it finds in its output
            compile_lock(extras, fresh, ["--upgrade"] if upgrade else [])
            if write:
                shutil.copy(fresh, lock)
            elif not lock.exists() or lock.read_text() != fresh.read_text():
                stale.append(lock.name)
    if stale:
        sys.stderr.write(f"Not what pyproject.toml asks for: {', '.join(stale)}. Run: make lock\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
