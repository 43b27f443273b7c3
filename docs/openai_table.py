"""The table of docs/openai.md, from the routes: `python docs/openai_table.py [--write]`.

Without `--write` it only says whether the table is as the routes are, as `make check` asks.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from generated import keep

from aiconvokit.openai_api.routes import GROUPS
from aiconvokit.rest.openai_errors import V1

PAGE = Path(__file__).parent / "openai.md"
HEAD = "| Call | What it does | |\n|---|---|---|\n"

NOT_OFFERED = {
    "/v1/completions": "the legacy text completions",
    "/v1/uploads": "files come whole, with /v1/files",
    "/v1/audio, /v1/images, /v1/videos, /v1/realtime": "text alone is read and written",
    "/v1/moderations": "no model here judges texts",
    "/v1/batches, /v1/fine_tuning, /v1/evals": "jobs on OpenAI's own models",
    "/v1/containers, /v1/skills, /v1/chatkit": "hosted tools",
    "/v1/organization": "the administration of OpenAI accounts",
}
"""What OpenAI's clients could ask for and get a 404 that names it."""


def rows() -> Iterator[tuple[str, str, str]]:
    """Call, sentence and how far it works, group by group."""
    for group in GROUPS:
        for handler in group.HANDLERS:
            paths = sorted(handler.paths)
            methods = sorted(handler.http_methods - {"HEAD", "OPTIONS"})
            path = paths[0].replace(":str", "").replace(":path", "")
            partly = handler.opt.get("partly")
            does = (handler.fn.__doc__ or "").split("\n")[0]
            for method in methods:
                yield f"`{method} {V1}{path}`", does, f"partly: {partly}" if partly else "works"
    for paths_, why in NOT_OFFERED.items():
        yield ", ".join(f"`{one}`" for one in paths_.split(", ")), why, "not"


def table() -> str:
    """The table in Markdown."""
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows())


if __name__ == "__main__":
    sys.exit(keep(PAGE, table(), "docs/openai_table.py"))
