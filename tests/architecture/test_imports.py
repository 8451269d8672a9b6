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
PURE = (
    "src/tarmac/model/",
    "src/tarmac/plan/",
    "src/tarmac/stores/",
    "src/tarmac/slo/",
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


@pytest.fixture
def small_tree(contracts, tmp_path):
    """Lay out packages of the real names that keep every contract, and return their folder."""
    layers = contracts["importlinter:contract:layers"]["layers"]
    modules = [f"tarmac.{w}" for w in layers.split() if w not in {"|", ":"} and w[0] != "("]
    modules += contracts["importlinter"]["root_packages"].split()
    for module in modules:
        package = tmp_path.joinpath(*module.split("."))
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
    stores = tmp_path / "tarmac/stores"
    (stores / "_kind.py").touch()
    for kind in ("postgres", "redis"):
        (stores / f"{kind}.py").write_text("import tarmac.stores._kind\n")
    for name in ("go", "node"):
        (tmp_path / f"tarmac/adopt/{name}.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("tarmac/model/loader.py", "import tarmac.local", "The tool's layers"),
        (
            "tarmac/model/loader.py",
            "import subprocess",
            "Model, stores, plan, adopt and render do no input",
        ),
        ("tarmac/stores/redis.py", "import tarmac.stores.postgres", "Store kinds do not import"),
        ("tarmac/adopt/go.py", "import tarmac.adopt.node", "Recognisers do not import each other"),
        ("tarmac_orders/app.py", "import tarmac_catalog", "Services do not import each other"),
        ("tarmac_orders/app.py", "import tarmac.errors", "Services know the kit only"),
        ("tarmac_kit/app.py", "import tarmac.launch", "The kit knows neither tool nor services"),
        ("tarmac/local/client.py", "import tarmac_kit", "The tool does not import what it runs"),
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
