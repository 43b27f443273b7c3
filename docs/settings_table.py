"""The table of docs/settings.md, from the code: `python docs/settings_table.py [--write]`.

Without `--write` it only says whether the table is as the settings are, as `make check` asks.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from generated import keep
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from aiconvokit.config import MIB, Limits, Settings, variable_of

PAGE = Path(__file__).parent / "settings.md"
HEAD = "| Variable | Default | |\n|---|---|---|\n"


def rows() -> Iterator[tuple[str, str, str]]:
    """Variable, default and what it is, as the classes have them."""
    for settings in (Settings, Limits):
        told = docstrings(settings)
        for name, field in settings.model_fields.items():
            if name not in told:
                sys.exit(f"{settings.__name__}.{name} has no docstring: nobody learns what it is.")
            yield f"`{variable_of(name, field)}`", default(field), told[name].replace("|", "\\|")


def default(field: FieldInfo) -> str:
    """What holds where nothing is set; bytes as people say them."""
    value = field.get_default(call_default_factory=True)
    if value in (None, [], ()):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int) and value >= MIB and value % MIB == 0:
        return f"`{value}` ({value // MIB} MiB)"
    return f"`{value}`"


def docstrings(settings: type[BaseSettings]) -> dict[str, str]:
    """The sentence below each field, in one line."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(settings))).body[0]
    if not isinstance(tree, ast.ClassDef):
        raise TypeError(settings)
    found: dict[str, str] = {}
    name = None
    for node in tree.body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name)):
                pass
            case ast.Expr(value=ast.Constant(value=str(said))) if name:
                found[name] = " ".join(said.split())
            case _:
                name = None
    return found


def table() -> str:
    """The table in Markdown."""
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows())


if __name__ == "__main__":
    sys.exit(keep(PAGE, table(), "docs/settings_table.py"))
