"""`python -m aiconvokit.demo.render [FOLDER]`: writes both documents."""

import sys
from pathlib import Path

from aiconvokit.demo.render.documents import DOCUMENTS, write_all

if __name__ == "__main__":
    write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCUMENTS)
