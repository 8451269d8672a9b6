"""The import rule: .importlinter holds, and it speaks of everything that is there."""

from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from pathlib import Path

import pytest

#: Modules that touch the network, processes or a database by being used at all.
IO_MODULES = (
    "urllib.request",
    "urllib.error",
    "http.client",
    "http.server",
    "concurrent.futures",
    "multiprocessing",
)
PURE = ("src/tarmac/model/", "src/tarmac/plan/", "src/tarmac/stores/", "src/tarmac/slo/")


def imported(tree):
    """Yield the dotted names that a module imports, wherever in it the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.fixture
def contracts(root):
    parser = configparser.ConfigParser()
    parser.read(root / ".importlinter")
    return parser


def test_every_contract_of_the_import_rule_is_kept(root):
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint, "--no-logo"], cwd=root, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert "0 broken" in run.stdout


def test_every_package_of_the_workspace_is_under_the_rule(root, contracts):
    packages = {p.parent.name for p in root.glob("services/*/tarmac_*/__init__.py")}
    assert packages
    listed = set(contracts["importlinter"]["root_packages"].split())
    assert listed == packages | {"tarmac", "tarmac_kit"}
    for contract, key in [
        ("services-apart", "modules"),
        ("services-without-tool", "source_modules"),
    ]:
        assert set(contracts[f"importlinter:contract:{contract}"][key].split()) == packages


def test_a_layer_that_is_there_is_not_marked_as_missing(root, contracts):
    layers = contracts["importlinter:contract:layers"]["layers"]
    present = {p.stem for p in (root / "src/tarmac").iterdir() if p.suffix in {"", ".py"}}
    missing = {word.strip("()") for word in layers.split() if word.startswith("(")}
    assert missing & present == set()


def test_model_plan_and_stores_use_no_module_that_does_input_or_output(shipped):
    pure = [s for s in shipped if s.name.startswith(PURE)]
    assert pure
    found = [f"{s.name}: {name}" for s in pure for name in imported(s.tree) if name in IO_MODULES]
    assert found == []


def test_an_import_inside_a_function_is_seen():
    code = "def f():\n    from urllib import request\n    import http.client\n"
    assert set(imported(ast.parse(code))) & set(IO_MODULES) == {"urllib.request", "http.client"}
