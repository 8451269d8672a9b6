"""Every module says what it is, and every public name of tool and kit what it does."""

from __future__ import annotations

import ast


def undocumented(tree):
    """Return (line, name) of the public functions and classes of a module without a docstring."""
    return [
        (node.lineno, node.name)
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]


def test_a_public_function_without_a_docstring_is_recognised():
    code = 'def told():\n    """Say it."""\ndef silent(): ...\ndef _own(): ...\nclass Bare: ...\n'
    assert undocumented(ast.parse(code)) == [(3, "silent"), (5, "Bare")]


def test_every_module_begins_with_a_docstring(sources):
    silent = [s.name for s in sources if s.text.strip() and not ast.get_docstring(s.tree)]
    assert silent == []


def test_every_public_function_and_class_of_tool_and_kit_has_a_docstring(shipped):
    found = [
        f"{s.name}:{line}: {name}"
        for s in shipped
        if s.name.startswith(("src/tarmac/", "kit/tarmac_kit/", "kit-testing/"))
        for line, name in undocumented(s.tree)
    ]
    assert found == []
