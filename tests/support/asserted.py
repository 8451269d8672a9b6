"""Finds what a test is written of, for the lines `asserts` of the book of proofs.

Plain functions over the source: a test, what is assigned or defined beside it under a name that it
uses, and its decorators. Nothing is imported or run.
"""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"(?<![\w.])\d+(?:[.:]\d+)*")


@functools.cache
def source(test: str) -> str:
    """Return the text of a test with what it uses of its own module, two names deep."""
    file, *names = test.partition("[")[0].split("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    tree = ast.parse(text)
    beside = {name: node for node in tree.body for name in _names(node)}
    own = next(node for node in ast.walk(tree) if getattr(node, "name", "") == names[-1])
    found: dict[str, ast.AST] = {names[-1]: own}
    for _ in range(2):
        for node in list(found.values()):
            used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            used |= {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
            found |= {name: beside[name] for name in used & beside.keys()}
    return "\n".join(ast.unparse(node) for node in found.values())


def _names(node: ast.stmt) -> list[str]:
    match node:
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
    return []


def missing(test: str, said: str) -> list[str]:
    """List the numbers of an `asserts` line that the test does not have."""
    text = source(test)
    return [
        number
        for number in NUMBER.findall(said)
        if not re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.])", text)
    ]
