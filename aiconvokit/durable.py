"""What must outlive a power failure."""

import os
from pathlib import Path


def fsync_folder(folder: Path) -> None:
    """Make the links, renames and removals in a folder survive a power failure; blocks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
