"""Every row of the contract has a test; a new row without one fails here."""

import ast
from pathlib import Path

from contract.rows import LATER, ROWS


def proven() -> set[str]:
    found: set[str] = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for decorator in node.decorator_list:
                    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "row":
                        found |= {ast.literal_eval(argument) for argument in decorator.args}
    return found


def test_every_row_has_a_test() -> None:
    assert set(ROWS) - proven() == set()
    assert not set(LATER) & set(ROWS)
