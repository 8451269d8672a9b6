"""A URL that is given to Alembic's configuration has its percent signs doubled."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.migration_calls import method, text_at
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.shapes.kept import kept

_SETS = {"set_main_option": 0, "set_section_option": 1}
_URL = "sqlalchemy.url"
#: What writes percent signs into a URL.
_QUOTES = ("quote", "quote_plus", "urlquote", "render_as_string")
#: A percent sign that neither is doubled nor begins a name that is filled in.
_LONE = re.compile(r"(?<!%)(?:%%)*%(?!%|\()")
_ESCAPES = re.compile(r"escape|interpol|percent", re.IGNORECASE)


class SetUrl(NamedTuple):
    """A URL that a file gives to the configuration."""

    artifact: Artifact
    call: ast.Call
    value: ast.expr
    #: What names are set to anywhere in the file.
    names: Mapping[str, list[ast.expr]]


def check(files: Files) -> Iterator[Finding]:
    """Yield URLs with percent signs that the configuration takes for the beginning of a name."""
    for one in _given(files):
        parts = [*_parts(one.value, one.names)]
        calls = [part for part in parts if isinstance(part, ast.Call)]
        if any(map(_doubles, calls)):
            continue
        quoting = next((method(call) for call in calls if method(call) in _QUOTES), "")
        texts = [part.value for part in parts if isinstance(part, ast.Constant)]
        is_written = any(isinstance(t, str) and "://" in t and _LONE.search(t) for t in texts)
        if quoting or is_written:
            by = "as it is written" if is_written else f"of {quoting}"
            what = f"the URL has the percent signs {by}, and set_main_option takes one for the"
            said = f'{what} beginning of a name: "invalid interpolation syntax"; write'
            where = f"{one.artifact.path}:{one.call.lineno}"
            yield Finding(where, f'{said} .replace("%", "%%")', warning=not is_written)


def _doubles(call: ast.Call) -> bool:
    """Tell whether a call doubles percent signs, or may."""
    is_replaced = method(call) == "replace" and text_at(call, 0) == "%"
    return is_replaced or _ESCAPES.search(method(call)) is not None


def _parts(value: ast.expr, names: Mapping[str, list[ast.expr]]) -> Iterator[ast.AST]:
    """Yield what a value is made of, by the names that it reads."""
    todo, seen = [value], set[str]()
    while todo:
        for part in ast.walk(todo.pop()):
            yield part
            if isinstance(part, ast.Name) and part.id not in seen:
                seen.add(part.id)
                todo += names.get(part.id, ())


@once
def _given(files: Files) -> Iterator[SetUrl]:
    for artifact in files.artifacts:
        if artifact.path.endswith("/env.py") and isinstance(artifact.content, str):
            yield from _read(artifact)


@kept
def _read(artifact: Artifact) -> tuple[SetUrl, ...]:
    text = str(artifact.content)
    if _URL not in text:
        return ()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    names: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                names.setdefault(getattr(target, "id", ""), []).append(node.value)
    return tuple(
        SetUrl(artifact, node, node.args[_SETS[method(node)] + 1], names)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and method(node) in _SETS
        and len(node.args) > _SETS[method(node)] + 1
        and text_at(node, _SETS[method(node)]) == _URL
    )


GATE = Gate(
    id="SQL009",
    title="A URL that is given to Alembic's configuration has its percent signs doubled",
    phase="services",
    source="https://alembic.sqlalchemy.org/en/latest/api/config.html#alembic.config.Config."
    "set_main_option: a percent sign that begins no name is to be doubled",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("URLs that env.py gives", _given),
    targets=(),
    reads="env.py in folders of migrations, which is parsed and not run: what set_main_option is "
    "given for sqlalchemy.url, as far as the file itself says how that is made. Which characters a "
    "password has is not known, so what is quoted is a warning. Judges files without a plan only.",
)
