"""A gate's logic is whole in its file; views hold the typed objects that several gates read."""

from __future__ import annotations

import ast
import re

import pytest

GATES = "src/tarmac/check/gates/"
VIEWS = f"{GATES}views/"
#: The most lines that a gate's file has.
LIMIT = 200
READING = "tarmac.base.foreign.reading"


def reads_by_paths(tree):
    """List the lines on which a module imports what reads by paths, or the functions of it."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        else:
            continue
        if READING in names or any(name.endswith(".dig") for name in names if name):
            found.append(node.lineno)
    return found


@pytest.mark.parametrize(
    "code",
    [
        "from tarmac.base.foreign.reading import dig",
        "from tarmac.base.foreign.reading import text",
        "from tarmac.base.foreign import reading",
        "import tarmac.base.foreign.reading",
        "def f():\n    from tarmac.check.gates.views.pods.pods import dig",
    ],
)
def test_a_module_that_reads_by_paths_is_recognised(code):
    assert reads_by_paths(ast.parse(code))


def test_a_module_that_reads_through_a_view_is_recognised():
    code = "from tarmac.check.gates.views.pods.pods import Pods, pods"
    assert reads_by_paths(ast.parse(code)) == []


def test_only_those_who_judge_files_of_others_read_by_paths(sources):
    judging = (GATES, "src/tarmac/check/verify/built/")
    others = [s for s in sources if s.name.startswith("src/") and not s.name.startswith(judging)]
    found = [f"{s.name}:{line}" for s in others for line in reads_by_paths(s.tree)]
    assert found == [], "add a property to a view, and read that"


def importers(sources):
    """Map each module of the gates to the files that import it, or names from it."""
    files = {s.name.removeprefix("src/").removesuffix(".py").replace("/", "."): s for s in sources}
    found = {name: set() for name in files if name.startswith("tarmac.check.gates.")}
    for source in files.values():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for name in (node.module, *(f"{node.module}.{a.name}" for a in node.names)):
                    found.get(name, set()).add(source.name)
    return files, found


def test_a_view_that_one_gate_uses_is_in_the_file_of_that_gate(sources):
    files, found = importers([s for s in sources if s.name.startswith("src/")])
    assert len(found) > 100
    apart = []
    for name, users in found.items():
        view = files[name]
        if view.name.startswith(VIEWS) and len(users) == 1:
            (user,) = (s for s in files.values() if s.name in users)
            lines = len(view.text.splitlines()) + len(user.text.splitlines())
            if re.match(r"[a-z]{3}\d{3}_", user.path.name) and lines <= LIMIT:
                apart.append(f"{view.name} belongs into {user.name}")
    assert apart == []
