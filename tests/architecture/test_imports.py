"""The import rule: .importlinter holds, and it speaks of everything that is there."""

from __future__ import annotations

import ast
import configparser
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

from tarmac import adopt, render
from tarmac.base import registry
from tarmac.catalog import faults, stores
from tarmac.check import gates

#: Modules that touch the network, processes or a database by being used at all.
IO_MODULES = (
    "urllib.request",
    "urllib.error",
    "http.client",
    "http.server",
    "concurrent.futures",
    "multiprocessing",
)
PURE = (
    "src/tarmac/model/",
    "src/tarmac/plan/",
    "src/tarmac/catalog/stores/",
    "src/tarmac/plan/slo/",
    "src/tarmac/adopt/",
)


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
    assert listed == packages | {"tarmac", "tarmac_kit", "tarmac_kit_testing"}
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


def extensions(package, constant):
    """List the dotted names of a catalogue's extension files."""
    return {module.__name__ for module in registry.modules(package) if hasattr(module, constant)}


def imports_of_each_other(files, names):
    """List each import of one extension by another: `who imports whom`."""
    return [
        f"{name} imports {target}"
        for name, tree in files
        if name in names
        for target in imported(tree)
        if target in names and target != name
    ]


@pytest.mark.parametrize(
    ("package", "constant"),
    [
        (stores, "STORE"),
        (render, "RENDERER"),
        (gates, "GATE"),
        (adopt, "RECOGNISER"),
        (faults, "FAULT"),
    ],
)
def test_extensions_do_not_import_each_other(shipped, package, constant):
    names = extensions(package, constant)
    assert len(names) > 5
    files = [
        (s.name.removeprefix("src/").removesuffix(".py").replace("/", "."), s.tree) for s in shipped
    ]
    assert names <= {name for name, _ in files}
    assert imports_of_each_other(files, names) == []


def test_an_extension_that_imports_another_is_seen():
    files = [
        ("tarmac.catalog.stores.redis", ast.parse("from tarmac.catalog.stores import postgres"))
    ]
    names = {"tarmac.catalog.stores.redis", "tarmac.catalog.stores.postgres"}
    assert imports_of_each_other(files, names) == [
        "tarmac.catalog.stores.redis imports tarmac.catalog.stores.postgres"
    ]


@pytest.fixture
def small_tree(contracts, tmp_path):
    """Lay out packages of the real names that keep every contract, and return their folder."""
    layered = [c for c in contracts.values() if c.get("type") == "layers"]
    modules = [
        f"{contract['containers']}.{word}"
        for contract in layered
        for word in contract["layers"].split()
        if word not in {"|", ":"} and word[0] != "("
    ]
    modules += contracts["importlinter:contract:pure"]["source_modules"].split()
    modules += contracts["importlinter"]["root_packages"].split()
    for module in modules:
        package = tmp_path.joinpath(*module.split("."))
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("tarmac/model/loader.py", "import tarmac.run.local", "The tool's layers"),
        (
            "tarmac/model/loader.py",
            "import subprocess",
            "Model, stores, plan, adopt and render do no input",
        ),
        (
            "tarmac/run/local/host/ports.py",
            "import tarmac.run.local.process",
            "The layers inside local",
        ),
        ("tarmac_orders/app.py", "import tarmac_catalog", "Services do not import each other"),
        ("tarmac_orders/app.py", "import tarmac.base.errors", "Services know the kit only"),
        (
            "tarmac_kit/app.py",
            "import tarmac.base.launch",
            "The kit knows neither tool nor services",
        ),
        (
            "tarmac/run/local/supervisor/client.py",
            "import tarmac_kit",
            "The tool does not import what it runs",
        ),
    ],
)
def test_an_import_against_the_rule_breaks_the_contract_that_forbids_it(
    root, small_tree, file, line, contract
):
    path = small_tree / file
    path.write_text((path.read_text() if path.exists() else "") + line + "\n")
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run(
        [lint, "--no-logo", "--no-cache", "--config", root / ".importlinter"],
        cwd=small_tree,
        env={"PYTHONPATH": str(small_tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 broken" in run.stdout, run.stdout
    broken = next(line for line in run.stdout.splitlines() if "BROKEN" in line)
    assert broken.startswith(contract)


def module_imports(files):
    """Return which modules each of these modules imports, for types alone included."""
    graph = {name: set() for name, _ in files}
    for name, tree in files:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                graph[name] |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                wanted = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
                graph[name] |= {w if w in graph else node.module for w in wanted.values()}
        graph[name] &= graph.keys() - {name}
    return graph


def module_name(source):
    """Return the dotted name of a file: `tarmac_kit.cache`."""
    parts = Path(source.name).with_suffix("").parts
    first = next(at for at, part in enumerate(parts) if part.startswith("tarmac"))
    return ".".join(parts[first:]).removesuffix(".__init__")


@pytest.fixture(scope="module")
def shipped_imports(shipped):
    return module_imports([(module_name(source), source.tree) for source in shipped])


def test_no_module_imports_itself_by_way_of_others(shipped_imports):
    assert shipped_imports["tarmac_kit_testing"] >= {"tarmac_kit_testing.crashing"}
    assert "tarmac.run.local.network.wire" in shipped_imports["tarmac.run.local.network.endpoint"]
    graphlib.TopologicalSorter(shipped_imports).prepare()


def test_a_cycle_of_imports_for_types_alone_is_found():
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tarmac.b import B\n"
    files = {"tarmac.a": typed, "tarmac.b": "def f():\n    from tarmac import a\n"}
    graph = module_imports([(name, ast.parse(code)) for name, code in files.items()])
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(graph).prepare()


def test_one_module_of_the_tool_looks_for_programs(sources):
    """So that a test run decides by one variable which of them are there."""
    asking = [
        s.name for s in sources if s.name.startswith("src/tarmac/") and "shutil.which" in s.text
    ]
    assert asking == ["src/tarmac/base/installed.py"]
