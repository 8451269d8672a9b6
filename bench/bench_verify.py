"""How long `tarmac verify` takes of the shop, beside only reading its rendered files as YAML.

Ours is the whole command, its start included: model, plans and artifacts of all environments, all
gates, evidence. Theirs is a Python process that reads the same files with PyYAML's C loader. Of
files without a model, ours is every gate that reads them, and theirs yamllint alone.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure, interleaved, seconds, sized

from tarmac import render
from tarmac.base import registry
from tarmac.base.artifact import write
from tarmac.base.report import Skip
from tarmac.catalog import stores
from tarmac.check.gates.views import programs
from tarmac.model.loader import load
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

ROOT = Path(__file__).parents[1]
ROUNDS = sized(7, 1)
READ = """
import pathlib, sys, yaml
for path in pathlib.Path(sys.argv[1]).rglob("*.yaml"):
    if "templates" in path.parts:  # a chart's are no YAML
        continue
    list(yaml.load_all(path.read_bytes(), yaml.CSafeLoader))
"""


def measure() -> list[Figure]:
    """Return one figure in seconds."""
    tarmac = Path(sys.executable).with_name("tarmac")
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as name:
        # Beside a copy of the file, so that the evidence of a person's own runs stays.
        file = Path(name) / "systems/shop/tarmac.yaml"
        for folder in ("systems/shop", "services"):
            ignored = shutil.ignore_patterns(".tarmac", "__pycache__")
            shutil.copytree(ROOT / folder, Path(name) / folder, ignore=ignored)
        files = _render(file, Path(name) / "tree")
        ours, theirs = interleaved(
            lambda: seconds(lambda: _run(str(tarmac), "verify", str(file))),
            lambda: seconds(lambda: _run(sys.executable, "-c", READ, f"{name}/tree")),
            rounds=ROUNDS,
        )
        of_files = list(_of_files(str(tarmac), Path(name) / "tree" / "production"))
    note = (
        f"the whole command over {files} files of all environments, evidence written; theirs: a "
        f"Python process that reads these files as YAML and nothing more; medians of {ROUNDS}"
    )
    return [Figure("verify the shop", "s", ours, theirs, note), *of_files]


def _of_files(tarmac: str, tree: Path) -> Iterator[Figure]:
    """Yield one figure in seconds, where yamllint is."""
    try:
        yamllint = programs.find("yamllint")
    except Skip as skip:
        print(skip)
        return
    files = [str(p) for p in tree.rglob("*.yaml") if "templates" not in p.parts]
    ours, theirs = interleaved(
        lambda: seconds(lambda: _run(tarmac, "verify", "--files", str(tree))),
        lambda: seconds(lambda: _run(yamllint, "-d", "relaxed", *files)),
        rounds=ROUNDS,
    )
    note = (
        f"{sum(p.is_file() for p in tree.rglob('*'))} files, all gates without a model; theirs: "
        f"yamllint over the {len(files)} of YAML; medians of {ROUNDS}, caches warm"
    )
    yield Figure("verify files", "s", ours, theirs, note)


def _render(file: Path, tree: Path) -> int:
    """Write the shop's environments, each into its folder; return how many files that are."""
    system = load(str(file), lambda path: Path(path).read_bytes())
    kinds, renderers = registry.load(stores, "STORE"), registry.load(render, "RENDERER")
    count = 0
    for environment in system.file.environments:
        for artifact in artifacts(deploy(system, environment, kinds), renderers):
            path = tree / environment / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write(artifact, "bench"), encoding="utf-8")
            count += 1
    return count


def _run(*argv: str) -> None:
    # 1: there are findings, which takes no less time.
    code = subprocess.run(argv, check=False, stdout=subprocess.DEVNULL).returncode
    if code not in (0, 1):
        raise SystemExit(f"bench: {argv[0]} ended with {code}")
