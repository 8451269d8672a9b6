"""Names say what a thing is: some words say nothing, and nothing is left unfinished."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath

import pytest

BANNED = {"manager", "helper", "util", "engine", "wrapper", "common"}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
#: Spelled apart, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")


def words(name):
    """Split snake_case and CamelCase into lower-case words, plural endings taken off."""
    return {w.lower().removesuffix("s") for w in _WORD.findall(name)}


def defined_names(tree):
    """Yield (name, line) of every class, function and assigned name of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno


@pytest.mark.parametrize(
    "name", ["SessionManager", "http_utils", "load_helper", "common_fields", "EngineWrapper"]
)
def test_a_name_with_an_empty_word_is_recognised(name):
    assert words(name) & BANNED


@pytest.mark.parametrize("name", ["utility_price", "management_port", "commonly", "engineer"])
def test_a_word_that_only_begins_like_one_is_allowed(name):
    assert not words(name) & BANNED


def test_no_module_class_function_or_variable_has_an_empty_word_in_its_name(shipped):
    assert len(shipped) > 20
    found = []
    for source in shipped:
        for part in PurePosixPath(source.name).with_suffix("").parts:
            found += [f"{source.name}: {part}"] if words(part) & BANNED else []
        for name, line in defined_names(source.tree):
            found += [f"{source.name}:{line}: {name}"] if words(name) & BANNED else []
    assert found == []


def each_named(tree):
    """Return the lines on which a variable, parameter or function is called `each`."""
    return [line for name, line in defined_names(tree) if name == "each"]


@pytest.mark.parametrize(
    "code",
    ["for each in orders: pass", "[each for each in orders]", "f = lambda each: 1", "each = 1"],
)
def test_a_variable_named_each_is_recognised(code):
    assert each_named(ast.parse(code)) == [1]


def test_no_variable_is_named_each(sources):
    """A loop variable says what it holds: `order` of `orders`."""
    assert [f"{s.name}:{n}" for s in sources for n in each_named(s.tree)] == []


def test_nothing_is_left_unfinished(sources):
    found = [
        f"{s.name}:{number}: {line.strip()}"
        for s in sources
        for number, line in enumerate(s.text.splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert found == []


def raises_not_implemented(tree):
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == "NotImplementedError"
    ]


def test_a_raised_not_implemented_error_is_recognised():
    assert raises_not_implemented(
        ast.parse("def f():\n    raise NotImplementedError('later')")
    ) == [2]


def test_no_code_says_that_it_is_not_implemented(shipped):
    assert [f"{s.name}:{n}" for s in shipped for n in raises_not_implemented(s.tree)] == []
