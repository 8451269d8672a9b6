"""Gates read files through the typed views of `gates/views/`, never by paths of their own."""

from __future__ import annotations

import ast

import pytest

VIEWS = "src/tarmac/gates/views/"
READING = "tarmac.gates.views.reading"


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
        "from tarmac.gates.views.reading import dig",
        "from tarmac.gates.views.reading import text",
        "from tarmac.gates.views import reading",
        "import tarmac.gates.views.reading",
        "def f():\n    from tarmac.gates.views.objects.pods import dig",
    ],
)
def test_a_module_that_reads_by_paths_is_recognised(code):
    assert reads_by_paths(ast.parse(code))


def test_a_module_that_reads_through_a_view_is_allowed():
    code = "from tarmac.gates.views.objects.pods import Pods, pods"
    assert reads_by_paths(ast.parse(code)) == []


def test_only_views_read_by_paths(sources):
    others = [s for s in sources if s.name.startswith("src/") and not s.name.startswith(VIEWS)]
    assert any(s.name.startswith("src/tarmac/gates/") for s in others)
    found = [f"{s.name}:{line}" for s in others for line in reads_by_paths(s.tree)]
    assert found == [], "add a property to a view, and read that"
